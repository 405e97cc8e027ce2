import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "./naming.ts";
import type { ServerSignature } from "./providers/hostProcesses.ts";
import type { OrphanKind, OrphanPolicy } from "./providers/orphans.ts";
import type { OrphanSweepInputs, OrphanSweepState } from "./providers/orphanSweep.ts";

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
export class OrphanSweep extends pulumi.dynamic.Resource {
  /** What is only reported, in words. */
  declare readonly reported: pulumi.Output<string[]>;
  /** How many of each kind are only reported. */
  declare readonly counts: pulumi.Output<Record<OrphanKind, number>>;

  constructor(name: string, args: OrphanSweepArgs, opts?: pulumi.CustomResourceOptions) {
    const { owner, policy, servers, declared } = args;
    super(
      provider,
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
      "index",
      "OrphanSweep",
    );
  }
}

/** Thin on purpose, see processLimit.ts. */
const provider: pulumi.dynamic.ResourceProvider<OrphanSweepInputs, OrphanSweepState> = {
  async check(olds, news) {
    return (await load()).checkOrphanSweep(olds, news);
  },
  async create(inputs) {
    return { id: "orphan-sweep", outs: await (await load()).sweepOrphans(inputs) };
  },
  async read(id, props) {
    if (!props) return {};
    const current = await (await load()).observeOrphans(props);
    // What is only reported is no input: it would show as a change that the next update makes.
    const { reported: _reported, counts: _counts, found: _found, ...inputs } = current;
    return { id, props: current, inputs: inputs as OrphanSweepState };
  },
  async diff(_id, olds, news) {
    return (await load()).diffOrphans(olds, news);
  },
  async update(_id, olds, news) {
    return { outs: await (await load()).sweepOrphans(news, olds.declared) };
  },
};

async function load(): Promise<typeof import("./providers/orphanSweep.ts")> {
  const { pathToFileURL } = await import("node:url");
  return import(pathToFileURL(`${process.cwd()}/components/providers/orphanSweep.ts`).href) as Promise<
    typeof import("./providers/orphanSweep.ts")
  >;
}
