import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import type { Demand, HostCapacityInputs } from "./providers/hostCapacity.ts";

export interface HostCapacityArgs {
  demands: readonly Demand[];
  /** @default false: an estate whose reservations its host cannot keep is refused */
  allowOvercommit?: boolean;
}

/** Fails the preview of an estate that its host cannot hold. It makes nothing. */
export class HostCapacity extends DynamicResource {
  /** Of the host's control groups. */
  declare readonly cgroupVersion: pulumi.Output<"1" | "2">;

  constructor(name: string, args: HostCapacityArgs, opts?: pulumi.CustomResourceOptions) {
    const { demands, allowOvercommit = false } = args;
    const inputs: HostCapacityInputs = {
      demands,
      reservedMiB: demands.reduce((sum, demand) => sum + demand.memoryReservationMiB, 0),
      largestMemoryMiB: Math.max(...demands.map((demand) => demand.memoryMiB)),
      mostCpus: Math.max(...demands.map((demand) => demand.cpus)),
      allowOvercommit,
    };
    super("HostCapacity", ["check", "create", "update"], name, { ...inputs, cgroupVersion: undefined }, opts);
  }
}
