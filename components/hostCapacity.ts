import * as pulumi from "@pulumi/pulumi";
import type { Demand, HostCapacityInputs } from "./providers/hostCapacity.ts";

export interface HostCapacityArgs {
  demands: readonly Demand[];
  /** @default false: an estate whose reservations its host cannot keep is refused */
  allowOvercommit?: boolean;
}

/** Fails the preview of an estate that its host cannot hold. It makes nothing. */
export class HostCapacity extends pulumi.dynamic.Resource {
  constructor(name: string, args: HostCapacityArgs, opts?: pulumi.CustomResourceOptions) {
    const { demands, allowOvercommit = false } = args;
    const inputs: HostCapacityInputs = {
      demands,
      reservedMiB: demands.reduce((sum, demand) => sum + demand.memoryReservationMiB, 0),
      largestMemoryMiB: Math.max(...demands.map((demand) => demand.memoryMiB)),
      mostCpus: Math.max(...demands.map((demand) => demand.cpus)),
      allowOvercommit,
    };
    super(provider, name, { ...inputs }, opts, "index", "HostCapacity");
  }
}

/** Thin on purpose, see processLimit.ts. */
const provider: pulumi.dynamic.ResourceProvider<HostCapacityInputs, HostCapacityInputs> = {
  async check(_olds, news) {
    return (await load()).checkHostCapacity(news);
  },
  create(inputs) {
    return Promise.resolve({ id: "host-capacity", outs: inputs });
  },
  update(_id, _olds, news) {
    return Promise.resolve({ outs: news });
  },
};

async function load(): Promise<typeof import("./providers/hostCapacity.ts")> {
  const { pathToFileURL } = await import("node:url");
  return import(pathToFileURL(`${process.cwd()}/components/providers/hostCapacity.ts`).href) as Promise<
    typeof import("./providers/hostCapacity.ts")
  >;
}
