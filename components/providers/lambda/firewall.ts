import type { FirewallRule } from "./objects.ts";

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
