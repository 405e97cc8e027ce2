import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamicResource.ts";
import type { LambdaAccessInputs } from "../../providers/lambda/access.ts";

export interface LambdaFilesystemArgs extends LambdaAccessInputs {
  /** A letter first, then letters, digits and '-', 60 at most. */
  name: string;
  /** Only instances of this region can have it. */
  region: string;
}

/**
 * Storage that outlives instances, with what was in it when it was there before. It is billed until it is removed, and its data go
 * with it: the engine refuses that until `protect: false` is given.
 */
export class LambdaFilesystem extends DynamicResource {
  /** Where instances have it. */
  declare readonly mountPoint: pulumi.Output<string>;

  constructor(name: string, args: LambdaFilesystemArgs, opts?: pulumi.CustomResourceOptions) {
    const props = { ...args, mountPoint: undefined };
    const methods = ["create", "read", "diff", "delete"] as const;
    super("LambdaFilesystem", methods, name, props, pulumi.mergeOptions({ protect: true }, opts));
  }
}
