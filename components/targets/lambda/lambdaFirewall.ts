import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamicResource.ts";
import type { LambdaAccessInputs } from "../../providers/lambda/access.ts";
import type { FirewallRule } from "../../providers/lambda/objects.ts";

export interface LambdaFirewallArgs extends LambdaAccessInputs {
  /** ESTATE/STACK, in front of each rule's description: by it they are found again. */
  owner: string;
  rules: readonly FirewallRule[];
}

/** A stack's rules in the one list that an account has. All others stay as they are. */
export class LambdaFirewall extends DynamicResource {
  constructor(name: string, args: LambdaFirewallArgs, opts?: pulumi.CustomResourceOptions) {
    super("LambdaFirewall", ["create", "read", "diff", "update", "delete"], name, { ...args }, opts);
  }
}
