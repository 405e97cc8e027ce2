import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamicResource.ts";
import type { LambdaAccessInputs } from "../../providers/lambda/access.ts";

export interface LambdaSshKeyArgs extends LambdaAccessInputs {
  /** Unique in the account. */
  name: string;
  /** In OpenSSH's form, for example `ssh-ed25519 AAAA…`. */
  publicKey: pulumi.Input<string>;
}

/** A public key that instances are launched with. Another key under its name is refused, and stays. */
export class LambdaSshKey extends DynamicResource {
  constructor(name: string, args: LambdaSshKeyArgs, opts?: pulumi.CustomResourceOptions) {
    super("LambdaSshKey", ["create", "read", "diff", "delete"], name, { ...args }, opts);
  }
}
