import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lineage, type ControlGroup, type ControllerPlace } from "./controlGroup.ts";

/** What the kernel enforces; null means no limit, undefined that this kernel does not say. */
export interface KernelLimits {
  readonly cgroupVersion: 1 | 2 | undefined;
  readonly memoryBytes: number | null | undefined;
  /** Swap beyond memory, in bytes; 0 means none is allowed. */
  readonly swapBytes: number | null | undefined;
  /** Cores. */
  readonly cpus: number | null | undefined;
  /** Tasks, threads included. */
  readonly pids: number | null | undefined;
}

/** What is used now. */
export interface KernelUsage {
  readonly memoryBytes: number | undefined;
  /** Tasks, threads included. */
  readonly tasks: number | undefined;
  /** Processes ended by the kernel for lack of memory. */
  readonly oomKills: number | undefined;
}

/** Version 1 writes "no limit" as the largest multiple of a page below 2^63; anything beyond 2^60 is none. */
const NO_LIMIT_BYTES = 2 ** 60;

/** `root` is prefixed to each path, so that tests read a recorded tree. */
function read(root: string, folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(root, folder, file), "utf8").trim();
  } catch {
    return undefined;
  }
}

function parseLimit(text: string | undefined): number | null | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "max" || text === "-1") return null;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  return value >= NO_LIMIT_BYTES ? null : value;
}

/** The smallest limit of our group and its parents: the kernel applies them all. */
function tightest(place: ControllerPlace | undefined, value: (folder: string) => number | null | undefined) {
  if (place === undefined) return undefined;
  let known: number | null | undefined;
  for (const folder of lineage(place)) {
    const limit = value(folder);
    if (limit === undefined) continue;
    if (known === undefined || known === null || (limit !== null && limit < known)) known = limit ?? known ?? null;
  }
  return known;
}

function cpuLimit(root: string, place: ControllerPlace, folder: string): number | null | undefined {
  const [quota, period] =
    place.version === 2
      ? (read(root, folder, "cpu.max")?.split(" ") ?? [])
      : [read(root, folder, "cpu.cfs_quota_us"), read(root, folder, "cpu.cfs_period_us")];
  const limit = parseLimit(quota);
  if (limit === undefined || limit === null) return limit;
  return limit / Number(period ?? 100_000);
}

function swapLimit(root: string, place: ControllerPlace, folder: string): number | null | undefined {
  if (place.version === 2) return parseLimit(read(root, folder, "memory.swap.max"));
  const both = parseLimit(read(root, folder, "memory.memsw.limit_in_bytes"));
  const memory = parseLimit(read(root, folder, "memory.limit_in_bytes"));
  return typeof both === "number" && typeof memory === "number" ? Math.max(0, both - memory) : both;
}

/** Reads the limits that hold for this process. Never throws: what cannot be read is undefined. */
export function readKernelLimits(group: ControlGroup, root = "/"): KernelLimits {
  const { memory, cpu, pids } = group;
  const memoryFile = memory?.version === 2 ? "memory.max" : "memory.limit_in_bytes";
  return {
    cgroupVersion: pids?.version ?? memory?.version,
    memoryBytes: tightest(memory, (folder) => parseLimit(read(root, folder, memoryFile))),
    swapBytes: tightest(memory, (folder) => (memory ? swapLimit(root, memory, folder) : undefined)),
    cpus: tightest(cpu, (folder) => (cpu ? cpuLimit(root, cpu, folder) : undefined)),
    pids: tightest(pids, (folder) => parseLimit(read(root, folder, "pids.max"))),
  };
}

function field(text: string | undefined, name: string): number | undefined {
  const match = text?.match(new RegExp(`^${name} (\\d+)$`, "m"));
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** Page cache that the kernel gives back under pressure is no use of memory: it is subtracted, as `docker stats` does. */
function memoryUse(root: string, place: ControllerPlace | undefined): number | undefined {
  if (place === undefined) return undefined;
  const file = place.version === 2 ? "memory.current" : "memory.usage_in_bytes";
  const current = parseLimit(read(root, place.folder, file)) ?? undefined;
  const stat = read(root, place.folder, "memory.stat");
  const inactive = field(stat, place.version === 2 ? "inactive_file" : "total_inactive_file") ?? 0;
  return current === undefined ? undefined : Math.max(0, current - inactive);
}

/** Reads the present use. Never throws: what cannot be read is undefined. */
export function readKernelUsage(group: ControlGroup, root = "/"): KernelUsage {
  const { memory, pids } = group;
  const events = memory?.version === 2 ? "memory.events" : "memory.oom_control";
  return {
    memoryBytes: memoryUse(root, memory),
    tasks: pids === undefined ? undefined : (parseLimit(read(root, pids.folder, "pids.current")) ?? undefined),
    oomKills: memory === undefined ? undefined : field(read(root, memory.folder, events), "oom_kill"),
  };
}

/** Process ids in our own group, as seen from our pid namespace; a 0 stands for one outside of it. */
export function groupMembers(group: ControlGroup, root = "/"): number[] | undefined {
  if (group.pids === undefined) return undefined;
  const text = read(root, group.pids.folder, "cgroup.procs");
  if (text === undefined) return undefined;
  return text === "" ? [] : text.split("\n").map(Number);
}
