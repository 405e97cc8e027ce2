import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamicResource.ts";
import type { LambdaAccessInputs } from "../../providers/lambda/access.ts";

export interface LambdaAccountArgs extends LambdaAccessInputs {
  /** ESTATE/STACK, which each of the stack's instances carries. */
  owner: string;
  /** Names of all instances that are declared. */
  names: readonly string[];
  /** Names of all firewall rulesets that are declared. @default none */
  rulesets?: readonly string[];
}

/**
 * What a stack has in the account: nothing beside what is declared. Its instances depend on it, so that it ends after them: what then
 * still carries the stack's tag was launched by an update that was killed, and is given back, or the end fails. Rules of the firewall with
 * the stack's mark go as well, its rulesets, and keys whose comment is the owner.
 */
export class LambdaAccount extends DynamicResource {
  constructor(name: string, args: LambdaAccountArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "LambdaAccount",
      ["create", "read", "diff", "update", "delete"],
      name,
      { rulesets: [], ...args, strays: [] },
      opts,
    );
  }
}
