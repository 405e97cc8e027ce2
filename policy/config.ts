import type { Exemption } from "./exemptions.ts";
import { rules } from "./rules/index.ts";

/** Tells of exemptions that say too little, have ended, or name a policy that is not there. */
export const EXEMPTIONS = "exemptions";
export const UNUSED_EXEMPTIONS = "unused-exemptions";

/** What the pack is told of a stack. The engine hands each policy its own copy. */
export interface PackConfig {
  /** As somebody wrote them. @default none */
  exemptions?: readonly Partial<Exemption>[];
  /** Data of this stack is not to be lost. @default the stack is called prod */
  production?: boolean;
}

/** Of one policy. */
type PolicyConfig = PackConfig & { enforcementLevel?: "disabled" };

/** The content of the engine's `--policy-pack-config` file. */
export function policyConfig(config: PackConfig): Record<string, PolicyConfig> {
  const names = [...rules.map(({ name }) => name), EXEMPTIONS];
  const { exemptions = [] } = config;
  return {
    ...Object.fromEntries(names.map((name) => [name, config])),
    // To ask it is to hand it the whole stack.
    [UNUSED_EXEMPTIONS]: exemptions.length > 0 ? config : { enforcementLevel: "disabled" },
  };
}
