import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseCgroups } from "../../components/providers/kernelLimits.ts";

/** What the kernel counted for one container. */
export interface KernelCounters {
  /** Processes and threads now; the largest seen in a record. */
  tasks: number;
  /** Forks and threads refused at the pids limit. */
  refusedTasks: number;
  memoryPeakBytes: number;
  /** memory.failcnt would say more, but stays 0 on a 6.18 kernel whatever is refused. */
  oomKills: number;
  swapBytes: number;
  cpuSeconds: number;
  /** Periods in which the group had used up its quota. */
  throttledPeriods: number;
}

const HIERARCHY = "/sys/fs/cgroup";
const EVERY_MS = 50;

/**
 * Reads the counters of a process's cgroup (v1 or v2) on this host.
 * @throws Error (ENOENT) when the process is gone.
 */
export async function readCounters(pid: number): Promise<KernelCounters> {
  const groups = parseCgroups(await readFile(`/proc/${pid}/cgroup`, "utf8"));
  return groups.has("pids") ? readV1(groups) : readV2(groups.get("") ?? "/");
}

async function readV1(groups: ReadonlyMap<string, string>): Promise<KernelCounters> {
  const read = (controller: string, file: string) =>
    readFile(join(HIERARCHY, controller, groups.get(controller) ?? "", file), "utf8");
  const [tasks, pidsEvents, peak, oom, memory, cpu, cpuStat] = await Promise.all([
    read("pids", "pids.current"),
    read("pids", "pids.events"),
    read("memory", "memory.max_usage_in_bytes"),
    read("memory", "memory.oom_control"),
    read("memory", "memory.stat"),
    read("cpuacct", "cpuacct.usage"),
    read("cpu", "cpu.stat"),
  ]);
  return {
    tasks: Number(tasks),
    refusedTasks: field(pidsEvents, "max"),
    memoryPeakBytes: Number(peak),
    oomKills: field(oom, "oom_kill"),
    swapBytes: field(memory, "swap"),
    cpuSeconds: Number(cpu) / 1e9,
    throttledPeriods: field(cpuStat, "nr_throttled"),
  };
}

async function readV2(group: string): Promise<KernelCounters> {
  const read = (file: string) => readFile(join(HIERARCHY, group, file), "utf8");
  const [tasks, pidsEvents, peak, memoryEvents, swap, cpuStat] = await Promise.all([
    read("pids.current"),
    read("pids.events"),
    read("memory.peak"),
    read("memory.events"),
    read("memory.swap.current"),
    read("cpu.stat"),
  ]);
  return {
    tasks: Number(tasks),
    refusedTasks: field(pidsEvents, "max"),
    memoryPeakBytes: Number(peak),
    oomKills: field(memoryEvents, "oom_kill"),
    swapBytes: Number(swap),
    cpuSeconds: field(cpuStat, "usage_usec") / 1e6,
    throttledPeriods: field(cpuStat, "nr_throttled"),
  };
}

/** `NAME 12` among lines of that shape; 0 where there is none. */
function field(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

export interface KernelRecord {
  /** Largest values seen; what only ever grows is counted from the start of the record. */
  most: KernelCounters;
  seconds: number;
}

/** Watches a process's cgroup while `work` goes on: a container that restarts meanwhile takes its counters along. */
export async function recordCounters<T>(pid: number, work: Promise<T>): Promise<KernelRecord & { result: T }> {
  const first = await readCounters(pid);
  const started = performance.now();
  let most = first;
  let over = false;
  const done = work.finally(() => (over = true));
  const look = async (): Promise<void> => {
    const now = await readCounters(pid).catch(() => undefined);
    if (now) most = mapCounters(most, now, Math.max);
  };
  while (!over) {
    await look();
    await Promise.race([done.catch(() => undefined), sleep(EVERY_MS)]);
  }
  const seconds = (performance.now() - started) / 1000;
  await look();
  const grown = mapCounters(most, first, (last, start) => last - start);
  const { tasks, memoryPeakBytes, swapBytes } = most;
  return { result: await done, most: { ...grown, tasks, memoryPeakBytes, swapBytes }, seconds };
}

function mapCounters(
  a: KernelCounters,
  b: KernelCounters,
  merge: (ofA: number, ofB: number) => number,
): KernelCounters {
  const keys = Object.keys(a) as Array<keyof KernelCounters>;
  return Object.fromEntries(keys.map((key) => [key, merge(a[key], b[key])])) as unknown as KernelCounters;
}
