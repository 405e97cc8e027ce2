import type { Exemption } from "./exemptions.ts";
import { EXEMPTIONS, resourceGroups, WHOLE_STACK } from "./groups.ts";

/** What the pack is told of a stack. The engine hands each of its policies its own copy. */
export interface PackConfig {
  /** As somebody wrote them. @default none */
  exemptions?: readonly Partial<Exemption>[];
  /** Data of this stack is not to be lost. @default the stack is called prod */
  production?: boolean;
}

/** The content of the engine's `--policy-pack-config` file. */
export function policyConfig(config: PackConfig): Record<string, PackConfig> {
  const names = [...resourceGroups.map(({ name }) => name), WHOLE_STACK, EXEMPTIONS];
  return Object.fromEntries(names.map((name) => [name, config]));
}
