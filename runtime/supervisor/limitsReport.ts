import { readFileSync } from "node:fs";
import type { Limits } from "../contract/index.ts";
import type { ControlGroup } from "./controlGroup.ts";
import { readKernelLimits, readKernelUsage, type KernelLimits, type KernelUsage } from "./kernelLimits.ts";
import { parseResourceLimits, type ResourceLimits } from "./resourceLimits.ts";

/** One limit that the kernel does not hold as declared. */
export interface LimitGap {
  readonly limit: string;
  readonly declared: number;
  /** null: the kernel has no limit; "unknown": it does not say. */
  readonly actual: number | null | "unknown";
}

export interface LimitsReport {
  readonly declared: Limits;
  readonly actual: KernelLimits & ResourceLimits & { readonly noNewPrivs: boolean | undefined };
  readonly usage: KernelUsage;
  readonly gaps: readonly LimitGap[];
  /** Why the child is not started, or undefined when it may be. */
  readonly refusal: string | undefined;
}

const MIB = 1024 * 1024;

/** CPU quotas are whole microseconds per period, so equal to about 1e-5 cores. */
const CPU_TOLERANCE = 0.001;

/** Compares declared with actual. A host without swap needs no swap limit, which `hasSwap` tells. */
export function findGaps(
  declared: Limits,
  kernel: KernelLimits,
  rlimits: ResourceLimits,
  hasSwap: boolean,
): LimitGap[] {
  const gaps: LimitGap[] = [];
  const compare = (limit: string, want: number, actual: number | null | undefined, tolerance = 0): void => {
    if (typeof actual === "number" && Math.abs(actual - want) <= tolerance) return;
    gaps.push({ limit, declared: want, actual: actual === undefined ? "unknown" : actual });
  };
  compare("memoryBytes", declared.memoryMiB * MIB, kernel.memoryBytes);
  if (hasSwap) compare("swapBytes", 0, kernel.swapBytes);
  compare("cpus", declared.cpus, kernel.cpus, CPU_TOLERANCE);
  compare("pids", declared.pids, kernel.pids);
  compare("nofile.soft", declared.nofile.soft, rlimits.nofile?.soft);
  compare("nofile.hard", declared.nofile.hard, rlimits.nofile?.hard);
  compare("nproc", declared.nproc, rlimits.nproc?.hard);
  return gaps;
}

/** R-PRC-03: without a pids limit of the kernel nothing is started. */
export function refusalReason(kernel: KernelLimits): string | undefined {
  if (typeof kernel.pids === "number") return undefined;
  const seen =
    kernel.pids === null ? "the kernel has no pids limit for this container" : "no pids controller was found";
  return `${seen}: the server is not started, because nothing would stop a fork loop; set pids on the container`;
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return fallback;
  }
}

/** Declared and actual side by side; `allowUnlimited` is for tests outside of containers. */
export function reportLimits(declared: Limits, group: ControlGroup, allowUnlimited: boolean): LimitsReport {
  const kernel = readKernelLimits(group);
  // Node raises its own soft limit of open files to the hard one at start: the init tells what the container was given.
  const rlimits = parseResourceLimits(readOr(`/proc/${process.ppid}/limits`, ""));
  const privs = /^NoNewPrivs:\s+(\d)/m.exec(readOr("/proc/self/status", ""))?.[1];
  const hasSwap = !/^SwapTotal:\s+0 kB/m.test(readOr("/proc/meminfo", ""));
  return {
    declared,
    actual: { ...kernel, ...rlimits, noNewPrivs: privs === undefined ? undefined : privs === "1" },
    usage: readKernelUsage(group),
    gaps: findGaps(declared, kernel, rlimits, hasSwap),
    refusal: allowUnlimited ? undefined : refusalReason(kernel),
  };
}
