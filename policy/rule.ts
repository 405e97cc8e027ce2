import type { DeclaredResource } from "./resource.ts";

/** What is wrong with a resource. Never holds a value that may be a secret. */
export interface Finding {
  /** One line, with the value that was given. */
  why: string;
  /** One line: what to change, and where. */
  todo: string;
}

export interface RuleBase {
  /** In kebab-case: what tables show and exemptions name. */
  name: string;
  /** One sentence that says what holds when nothing is found. */
  description: string;
  /** mandatory: the update is refused. advisory: it is told of. */
  severity: "mandatory" | "advisory";
  /** Types that it is asked about. */
  types: readonly string[];
}

/** Judges one resource by its own inputs, before an update as well as in it. */
export interface ResourceRule extends RuleBase {
  check: (resource: DeclaredResource, context: RuleContext) => Finding[];
}

/** Judges what resources are to one another. */
export interface StackRule extends RuleBase {
  checkStack: (resources: readonly DeclaredResource[]) => Array<Finding & { resource: DeclaredResource }>;
}

export type Rule = ResourceRule | StackRule;

/** What the stack's settings say to rules. */
export interface RuleContext {
  /** What is lost here is lost for others. */
  production: boolean;
}
