import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";

export interface NodeImageArgs {
  /** NAME:HASH, which the connected Docker has. */
  tag: pulumi.Input<string>;
  imageId: pulumi.Input<string>;
  /** Host name → how its Docker is reached; "": the connected one. */
  nodes: Readonly<Record<string, string>>;
}

/**
 * An image on every node of a swarm, copied from the connected Docker: services name it by its content-addressed id, which
 * nodes never look for in a registry. A node without it shows in the next preview (`missing`). It stays when this goes.
 */
export class NodeImage extends DynamicResource {
  /** Known once all nodes have it. */
  declare readonly imageId: pulumi.Output<string>;

  constructor(name: string, args: NodeImageArgs, opts?: pulumi.CustomResourceOptions) {
    super("NodeImage", ["create", "read", "diff", "update"], name, { ...args, missing: [] }, opts);
  }
}
