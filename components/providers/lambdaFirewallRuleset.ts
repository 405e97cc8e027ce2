import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { z } from "zod";
import { lambdaOf, type LambdaAccessInputs } from "./lambda/access.ts";
import { LambdaError, UnknownOutcome } from "./lambda/client.ts";
import { firewallRulesetSchema, firewallRulesetsSchema, type FirewallRule } from "./lambda/objects.ts";

export interface LambdaFirewallRulesetInputs extends LambdaAccessInputs {
  /** Unique in the account. */
  name: string;
  region: string;
  rules: readonly FirewallRule[];
}

const IN_USE = "firewall-rulesets/firewall-ruleset-in-use";

/** The one of that name: found again and given its rules, or made. */
async function ensureRuleset(inputs: LambdaFirewallRulesetInputs): Promise<string> {
  const { client } = lambdaOf(inputs);
  const { name, region, rules } = inputs;
  for (let attempt = 1; ; attempt++) {
    const found = (await client.get("/firewall-rulesets", firewallRulesetsSchema)).find((each) => each.name === name);
    if (found && found.region?.name !== region) {
      throw new Error(
        `the account has a firewall ruleset "${name}" in ${found.region?.name ?? "no region"}, wanted in ${region}; give another name, or remove that one at Lambda`,
      );
    }
    if (found) {
      if (!isDeepStrictEqual(found.rules, rules)) await setRules(inputs, found.id);
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

async function setRules(inputs: LambdaFirewallRulesetInputs, id: string): Promise<void> {
  const options = { body: { rules: inputs.rules }, repeatable: true };
  await lambdaOf(inputs).client.change("PATCH", `/firewall-rulesets/${id}`, z.unknown(), options);
}

/** @throws Error when an instance has it all the time. */
async function removeRuleset(inputs: LambdaFirewallRulesetInputs, id: string): Promise<void> {
  const { client, patience } = lambdaOf(inputs);
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
      await sleep(patience.pollMs);
    }
  }
}

export const provider: ResourceProvider<LambdaFirewallRulesetInputs, LambdaFirewallRulesetInputs> = {
  create: async (inputs) => ({ id: await ensureRuleset(inputs), outs: inputs }),
  async read(id, state): Promise<ReadResult<LambdaFirewallRulesetInputs>> {
    if (!state) return {};
    const all = await lambdaOf(state).client.get("/firewall-rulesets", firewallRulesetsSchema);
    const found = all.find((each) => each.id === id);
    if (!found) return {};
    const current = { ...state, rules: found.rules };
    return { id, props: current, inputs: current };
  },
  diff(_id, olds, news): Promise<DiffResult> {
    const replaces = (["name", "region"] as const).filter((key) => olds[key] !== news[key]);
    const same = isDeepStrictEqual(olds.rules, news.rules) && isDeepStrictEqual(olds.access, news.access);
    return Promise.resolve({ changes: replaces.length > 0 || !same, replaces, deleteBeforeReplace: true });
  },
  async update(id, _olds, news) {
    await setRules(news, id);
    return { outs: news };
  },
  delete: (id, state) => removeRuleset(state, id),
};
