import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";

export interface SecretFilesArgs {
  /** Container that was created and has its secrets volume mounted at SECRETS_DIR. */
  containerId: pulumi.Input<string>;
  /** Group that may read the files. */
  gid: number;
  /** Content of the contract file; no secret. */
  contract: pulumi.Input<string>;
  /** File name → value. Kept secret in the state whether or not the caller marked it. @default {} */
  files?: Record<string, pulumi.Input<string>>;
}

/**
 * Puts a workload's secrets and its contract into its own small volume as files (root:GID, 0440), before the first
 * start: never an environment variable, a label, a command line or plain state.
 * A file that was changed or removed by hand shows in the next preview (`observed`) and is written again.
 */
export class SecretFiles extends DynamicResource {
  declare readonly containerId: pulumi.Output<string>;
  declare readonly observed: pulumi.Output<string>;

  constructor(name: string, args: SecretFilesArgs, opts?: pulumi.CustomResourceOptions) {
    // A dynamic provider keeps a value secret only under its input's own name, hence one secret map.
    const files = pulumi.secret(args.files ?? {});
    super(
      "SecretFiles",
      ["create", "read", "diff", "update"],
      name,
      { ...args, files, observed: "delivered" },
      pulumi.mergeOptions({ additionalSecretOutputs: ["files"] }, opts),
    );
  }
}
