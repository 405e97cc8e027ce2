import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "./naming.ts";
import type { OrphanPolicy } from "./providers/orphans.ts";
import type { OrphanSweepInputs, OrphanSweepState } from "./providers/orphanSweep.ts";

export interface OrphanSweepArgs {
  owner: Owner;
  policy: OrphanPolicy;
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
 * of the user's, shows in the next preview by name; the next update removes or reports it as the policy says. Volumes
 * are never removed here, and nothing of another stack is ever touched.
 */
export class OrphanSweep extends pulumi.dynamic.Resource {
  /** What is only reported, in words. */
  declare readonly reported: pulumi.Output<string[]>;

  constructor(name: string, args: OrphanSweepArgs, opts?: pulumi.CustomResourceOptions) {
    const { owner, policy, declared } = args;
    super(
      provider,
      name,
      {
        estate: owner.estate,
        stack: owner.stack,
        policy,
        declared,
        orphans: [],
        reported: undefined,
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
  async create(inputs) {
    return { id: "orphan-sweep", outs: await (await load()).sweepOrphans(inputs) };
  },
  async read(id, props) {
    if (!props) return {};
    const current = await (await load()).observeOrphans(props);
    return { id, props: current, inputs: current };
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
