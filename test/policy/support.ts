import type { DeclaredResource, Inputs } from "../../policy/resource.ts";
import type { ResourceRule } from "../../policy/rule.ts";
import { CONTAINER } from "../../policy/resource.ts";

/** A resource of stack dev of project p. */
export function declared(changed: Partial<DeclaredResource> & { inputs?: Inputs } = {}): DeclaredResource {
  const { type = CONTAINER, name = "sample" } = changed;
  return {
    type,
    name,
    urn: `urn:pulumi:dev::p::${type}::p-dev-${name}`,
    project: "p",
    stack: "dev",
    within: [],
    inputs: {},
    protect: false,
    ignoreChanges: [],
    secretOutputs: [],
    propertySources: {},
    ...changed,
  };
}

/** Why a rule finds fault with a resource with these inputs. */
export function reasons(
  rule: ResourceRule,
  inputs: Inputs,
  changed: Partial<DeclaredResource> = {},
  production = false,
): string[] {
  return rule
    .check(declared({ type: rule.types[0] ?? CONTAINER, ...changed, inputs }), { production })
    .map(({ why }) => why);
}
