import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamicResource.ts";

/**
 * The key by which a machine is known, made before there is the machine: it goes there with the launch, so that not even the first
 * connection has to trust whoever answers.
 */
export class SshHostKey extends DynamicResource {
  declare readonly privateKey: pulumi.Output<string>;
  declare readonly publicKey: pulumi.Output<string>;

  constructor(name: string, comment: string, opts?: pulumi.CustomResourceOptions) {
    super(
      "SshHostKey",
      ["create", "diff"],
      name,
      { comment, privateKey: undefined, publicKey: undefined },
      { additionalSecretOutputs: ["privateKey"], ...opts },
    );
  }
}
