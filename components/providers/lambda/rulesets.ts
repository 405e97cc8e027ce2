import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { LambdaError, UnknownOutcome, type LambdaClient } from "./client.ts";
import type { Lambda } from "./instances.ts";
import { firewallRulesetSchema, firewallRulesetsSchema, instanceSchema, type FirewallRule } from "./objects.ts";

export interface WantedRuleset {
  /** Unique in the account. */
  name: string;
  region: string;
  rules: readonly FirewallRule[];
}

const IN_USE = "firewall-rulesets/firewall-ruleset-in-use";

/** The one of that name: found again and given its rules, or made. */
export async function ensureRuleset({ client }: Lambda, wanted: WantedRuleset): Promise<string> {
  const { name, region, rules } = wanted;
  for (let attempt = 1; ; attempt++) {
    const found = (await client.get("/firewall-rulesets", firewallRulesetsSchema)).find((each) => each.name === name);
    if (found && found.region?.name !== region) {
      throw new Error(
        `the account has a firewall ruleset "${name}" in ${found.region?.name ?? "no region"}, wanted in ${region}; give another name, or remove that one at Lambda`,
      );
    }
    if (found) {
      if (!isDeepStrictEqual(found.rules, rules)) await setRules(client, found.id, rules);
      return found.id;
    }
    try {
      const body = { name, region, rules };
      return (await client.change("POST", "/firewall-rulesets", firewallRulesetSchema, { body })).id;
    } catch (error) {
      // It may have been made: the list says so.
      if (!(error instanceof UnknownOutcome) || attempt === 3) throw error;
    }
  }
}

export async function setRules(client: LambdaClient, id: string, rules: readonly FirewallRule[]): Promise<void> {
  const options = { body: { rules }, repeatable: true };
  await client.change("PATCH", `/firewall-rulesets/${id}`, z.unknown(), options);
}

/**
 * @param leaveHeld leaves it to an instance that has it and goes on; else that is an error, once it was waited for.
 * @throws Error when an instance has it all the time.
 */
export async function removeRuleset(lambda: Lambda, id: string, leaveHeld = false): Promise<void> {
  const { client, patience, log } = lambda;
  const end = Date.now() + patience.goneMs;
  for (;;) {
    try {
      await client.change("DELETE", `/firewall-rulesets/${id}`, z.unknown(), { repeatable: true });
      return;
    } catch (error) {
      if (error instanceof LambdaError && error.status === 404) return;
      // An instance that was just terminated holds it for a while.
      const isHeld = error instanceof LambdaError && error.code === IN_USE;
      if (!isHeld || Date.now() > end) throw error;
      const holder = leaveHeld ? await goingOn(lambda, id) : undefined;
      if (holder !== undefined) return log(`firewall ruleset ${id} is left to instance ${holder}, which has it`);
      await sleep(patience.pollMs);
    }
  }
}

/** An instance that has the ruleset and was not ended. */
async function goingOn({ client }: Lambda, id: string): Promise<string | undefined> {
  const all = await client.get("/firewall-rulesets", firewallRulesetsSchema);
  for (const holder of all.find((each) => each.id === id)?.instance_ids ?? []) {
    const instance = await client.get(`/instances/${holder}`, instanceSchema).catch((error: unknown) => {
      if (error instanceof LambdaError && error.status === 404) return undefined;
      throw error;
    });
    if (instance && !/^terminat/.test(instance.status)) return holder;
  }
  return undefined;
}

/** Those of these names, which an update has made that was killed before it could say so. */
export async function removeRulesets(lambda: Lambda, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const all = await lambda.client.get("/firewall-rulesets", firewallRulesetsSchema);
  for (const { id, name } of all) if (names.includes(name)) await removeRuleset(lambda, id);
}
