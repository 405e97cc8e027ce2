import type { ResourceRule, StackRule } from "./rule.ts";
import { rules } from "./rules/index.ts";

/** Tells of exemptions that say too little, have ended, or name a policy that is not there. */
export const EXEMPTIONS = "exemptions";
export const UNUSED_EXEMPTIONS = "unused-exemptions";
/** What the engine has one of and asks about first: faults of exemptions are told with it. */
export const EXEMPTIONS_TYPE = "pulumi:pulumi:Stack";
/** The group of all that is judged of the stack as a whole. */
export const WHOLE_STACK = "stack";

/**
 * All rules about one type of resource. The engine knows each group as one policy, because @pulumi/policy unpacks a resource
 * anew for every policy that is asked about it, and the whole stack for every one about the stack: apart, fifteen rules take
 * as long as a preview.
 */
export interface ResourceGroup {
  /** Of the type, in kebab-case. */
  name: string;
  /** Type token. */
  type: string;
  rules: readonly ResourceRule[];
}

const resourceRules = rules.filter((rule) => "check" in rule);

export const resourceGroups: readonly ResourceGroup[] = [...new Set(resourceRules.flatMap(({ types }) => types))].map(
  (type) => ({ name: kebab(type), type, rules: resourceRules.filter(({ types }) => types.includes(type)) }),
);

export const stackRules: readonly StackRule[] = rules.filter((rule) => "checkStack" in rule);

/** `docker:index/container:Container` → `container`. */
function kebab(type: string): string {
  return type
    .slice(type.lastIndexOf(":") + 1)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-")
    .toLowerCase();
}
