import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamicResource.ts";
import type { LambdaAccessInputs } from "../../providers/lambda/access.ts";
import type { FirewallRule } from "../../providers/lambda/objects.ts";

export interface LambdaFirewallRulesetArgs extends LambdaAccessInputs {
  /** Unique in the account. */
  name: string;
  region: string;
  /** Of what comes in. */
  rules: readonly FirewallRule[];
  /**
   * Leave it, at its end, to an instance that nobody has ended, as one whose launch was killed: a LambdaAccount that names it
   * takes both. @default false: that is an error
   */
  leaveHeld?: boolean;
}

/**
 * Firewall rules of a stack's own instances, which get its id at their launch and cannot be parted from it. To be preferred to
 * LambdaFirewall, whose rules are the whole account's.
 */
export class LambdaFirewallRuleset extends DynamicResource {
  constructor(name: string, args: LambdaFirewallRulesetArgs, opts?: pulumi.CustomResourceOptions) {
    super("LambdaFirewallRuleset", ["create", "read", "diff", "update", "delete"], name, { ...args }, opts);
  }
}
