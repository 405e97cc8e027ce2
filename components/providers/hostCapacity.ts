import type { CheckFailure, CheckResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { connect } from "./docker.ts";

/** What one workload takes of its host. */
export interface Demand {
  component: string;
  memoryMiB: number;
  memoryReservationMiB: number;
  cpus: number;
}

export interface HostCapacityInputs {
  demands: readonly Demand[];
  /** Sum and maxima of the demands: what a refusal shows as the value given. */
  reservedMiB: number;
  largestMemoryMiB: number;
  mostCpus: number;
  /** Let reservations exceed the host's memory. */
  allowOvercommit: boolean;
  /** Of the host's control groups: told by the check, so that a preview knows it. */
  cgroupVersion?: "1" | "2";
}

/** What a host has. */
export interface Host {
  name: string;
  memoryMiB: number;
  cpus: number;
}

const MIB = 1024 * 1024;

/** Asks the Docker host for its size and compares; runs at preview. */
export async function checkHostCapacity(inputs: HostCapacityInputs): Promise<CheckResult<HostCapacityInputs>> {
  const info = (await connect().info()) as { Name: string; MemTotal: number; NCPU: number; CgroupVersion?: string };
  const host = { name: info.Name, memoryMiB: Math.floor(info.MemTotal / MIB), cpus: info.NCPU };
  // Docker 20.10 is the first that tells; the ones before know version 1 only.
  const cgroupVersion = info.CgroupVersion === "2" ? "2" : "1";
  return { inputs: { ...inputs, cgroupVersion }, failures: capacityFailures(inputs, host) };
}

/**
 * Reservations that the host cannot keep, and single limits that are larger than the host.
 * A plain Docker host has only a soft memory reservation and none for processors, so this check is the reservation
 * (R-LIM-11). Limits may exceed the host in sum: they are ceilings, not demands.
 */
export function capacityFailures(
  { demands, allowOvercommit }: Pick<HostCapacityInputs, "demands" | "allowOvercommit">,
  host: Host,
): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const reserved = demands.reduce((sum, demand) => sum + demand.memoryReservationMiB, 0);
  if (reserved > host.memoryMiB && !allowOvercommit) {
    const largest = [...demands].sort((a, b) => b.memoryReservationMiB - a.memoryReservationMiB).slice(0, 5);
    failures.push({
      property: "reservedMiB",
      reason:
        `the reservations of ${demands.length} workloads add up to ${reserved} MiB and host ${host.name} has ${host.memoryMiB} MiB` +
        ` (largest: ${largest.map((demand) => `${demand.component} ${demand.memoryReservationMiB}`).join(", ")});` +
        ` lower limits.memoryReservationMiB, declare fewer servers, or set mcp-estate:allowOvercommit to true`,
    });
  }
  for (const { component, memoryMiB, cpus } of demands) {
    if (memoryMiB > host.memoryMiB && !allowOvercommit) {
      failures.push({
        property: "largestMemoryMiB",
        reason: `${component}: limits.memoryMiB ${memoryMiB} is more than the ${host.memoryMiB} MiB of host ${host.name}; a limit that the host ends first is none`,
      });
    }
    if (cpus > host.cpus) {
      failures.push({
        property: "mostCpus",
        reason: `${component}: limits.cpus ${cpus} is more than the ${host.cpus} processors of host ${host.name}, which Docker refuses; allowed is up to ${host.cpus}`,
      });
    }
  }
  return failures;
}

export const provider: ResourceProvider<HostCapacityInputs, HostCapacityInputs> = {
  check: (_olds, news) => checkHostCapacity(news),
  create: (inputs) => Promise.resolve({ id: "host-capacity", outs: inputs }),
  update: (_id, _olds, news) => Promise.resolve({ outs: news }),
};
