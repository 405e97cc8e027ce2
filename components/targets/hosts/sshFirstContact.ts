import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamicResource.ts";

export interface SshFirstContactArgs {
  host: string;
  port: number;
}

/** The key that a machine's ssh server shows at the first contact: believed then, kept in the state, and compared ever after. */
export class SshFirstContact extends DynamicResource {
  /** In OpenSSH's form. */
  declare readonly hostKey: pulumi.Output<string>;

  constructor(name: string, args: SshFirstContactArgs, opts?: pulumi.CustomResourceOptions) {
    super("SshFirstContact", ["create", "diff"], name, { ...args, hostKey: undefined }, opts);
  }
}
