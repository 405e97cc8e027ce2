import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import type { Owner } from "./naming.ts";
import type { ServerSignature } from "../runtime/contract/index.ts";
import type { OrphanKind, OrphanPolicy } from "./providers/orphans.ts";

export interface OrphanSweepArgs {
  owner: Owner;
  policy: OrphanPolicy;
  /** By which processes of the host are known as MCP servers. */
  servers: readonly ServerSignature[];
  /** Everything that the program declared: ids, of volumes names. */
  declared: {
    containers: ReadonlyArray<pulumi.Input<string>>;
    networks: ReadonlyArray<pulumi.Input<string>>;
    volumes: ReadonlyArray<pulumi.Input<string>>;
    images: ReadonlyArray<pulumi.Input<string>>;
  };
}

/**
 * Declares that nothing else runs. What carries this stack's mark and is not in its state, and what matches a pattern
 * of the user's, shows in the next preview by name; the next update removes or reports it as the policy says. Data
 * volumes are never removed here, and nothing of another stack is ever touched.
 */
export class OrphanSweep extends DynamicResource {
  /** What is only reported, in words. */
  declare readonly reported: pulumi.Output<string[]>;
  /** How many of each kind are only reported. */
  declare readonly counts: pulumi.Output<Record<OrphanKind, number>>;

  constructor(name: string, args: OrphanSweepArgs, opts?: pulumi.CustomResourceOptions) {
    const { owner, policy, servers, declared } = args;
    super(
      "OrphanSweep",
      ["check", "create", "read", "diff", "update"],
      name,
      {
        estate: owner.estate,
        stack: owner.stack,
        policy,
        servers,
        declared,
        orphans: [],
        planned: [],
        reported: undefined,
        counts: undefined,
        found: undefined,
      },
      opts,
    );
  }
}
