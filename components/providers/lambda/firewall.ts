import { isDeepStrictEqual } from "node:util";
import { exclusive } from "../images/exclusive.ts";
import type { LambdaClient } from "./client.ts";
import { firewallRulesSchema, type FirewallRule } from "./objects.ts";

const TRIES = 5;

/** Marks a rule in the account's list as one stack's. */
export function mark(owner: string): string {
  return `[mcp-estate ${owner}]`;
}

/**
 * The account's whole list with one stack's rules in the place of those that it had: every other rule stays, in its order,
 * as a request replaces all of them.
 * @param wanted of the stack; none takes its rules away
 */
export function mergeRules(
  all: readonly FirewallRule[],
  wanted: readonly FirewallRule[],
  owner: string,
): FirewallRule[] {
  const others = all.filter(({ description }) => !description.startsWith(mark(owner)));
  return [...others, ...wanted.map((rule) => ({ ...rule, description: `${mark(owner)} ${rule.description}` }))];
}

/** Those of one stack, as they were declared. */
export function rulesOf(all: readonly FirewallRule[], owner: string): FirewallRule[] {
  const prefix = `${mark(owner)} `;
  return all
    .filter(({ description }) => description.startsWith(prefix))
    .map((rule) => ({ ...rule, description: rule.description.slice(prefix.length) }));
}

/**
 * Puts a stack's rules into the account's list, which a request replaces as a whole: read, merged, written and read again.
 * @param rules none takes the stack's rules away
 * @throws Error when somebody else writes at the same time, again and again.
 */
export async function writeRules(client: LambdaClient, owner: string, rules: readonly FirewallRule[]): Promise<void> {
  const write = async (): Promise<void> => {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const before = await client.get("/firewall-rules", firewallRulesSchema);
      const wanted = mergeRules(before, rules, owner);
      if (isDeepStrictEqual(before, wanted)) return;
      const options = { body: { data: wanted }, repeatable: true };
      await client.change("PUT", "/firewall-rules", firewallRulesSchema, options);
      const after = await client.get("/firewall-rules", firewallRulesSchema);
      if (isDeepStrictEqual(rulesOf(after, owner), rules)) return;
    }
    throw new Error(
      "the account's firewall rules are changed by somebody else all the time; look at them at Lambda, and run the update again",
    );
  };
  await exclusive(`lambda firewall ${await client.account()}`, () => undefined, write);
}
