import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import type { Demand } from "./providers/hostCapacity.ts";

export interface SwarmNodesArgs {
  /** Host name in the swarm → how its Docker is reached (@default the connected one), and its labels. */
  nodes: Readonly<Record<string, { host?: string | undefined; labels: Readonly<Record<string, string>> }>>;
  /** One for each task. */
  demands: readonly Demand[];
  /** @default false: an estate whose reservations the nodes cannot keep is refused */
  allowOvercommit?: boolean;
}

/**
 * The nodes of a swarm as they are declared: there, ready, reached where the settings say, large enough, and labelled. What
 * is not so fails the preview by name; a label that was changed by hand shows in it (R-TGT-04, R-TGT-08).
 */
export class SwarmNodes extends DynamicResource {
  constructor(name: string, args: SwarmNodesArgs, opts?: pulumi.CustomResourceOptions) {
    const { allowOvercommit = false, demands } = args;
    const nodes = Object.fromEntries(
      Object.entries(args.nodes).map(([node, { host = "", labels }]) => [node, { host, labels }]),
    );
    super(
      "SwarmNodes",
      ["check", "create", "read", "diff", "update", "delete"],
      name,
      { nodes, demands, allowOvercommit, found: {}, expected: undefined },
      opts,
    );
  }
}
