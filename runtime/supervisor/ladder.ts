import type { Limits } from "../contract/index.ts";

/** R-PRC-20 to R-PRC-26, mildest first. */
export const LADDER_LEVELS = ["normal", "ceiling", "warning", "critical", "emergency", "nuclear", "bypass"] as const;
export type LadderLevel = (typeof LADDER_LEVELS)[number];

/** What one look at the container found; undefined where it cannot be known. */
export interface LadderReading {
  readonly processes: number;
  readonly tasks: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Processes ended by the kernel for lack of memory since the last look. */
  readonly newOomKills: number;
}

export interface LadderVerdict {
  readonly level: LadderLevel;
  /** What crossed which line. */
  readonly reasons: readonly string[];
}

/** Factors of the process ceiling N (R-PRC-21 to 24: over 15, 30, 50 and 100 for N = 15). */
const PROCESS_FACTORS: readonly (readonly [LadderLevel, number])[] = [
  ["nuclear", 100 / 15],
  ["emergency", 50 / 15],
  ["critical", 2],
  ["warning", 1],
];
/** Shares of the memory limit. */
const MEMORY_SHARES: readonly (readonly [LadderLevel, number])[] = [
  ["emergency", 0.95],
  ["critical", 0.9],
  ["warning", 0.75],
];
/** R-PRC-26: forks are about to fail. */
const TASK_SHARE = 0.8;

/** The worst level that any of the readings reaches. Pure. */
export function judge(reading: LadderReading, limits: Pick<Limits, "processes" | "pids" | "memoryMiB">): LadderVerdict {
  const found: [LadderLevel, string][] = [];
  const { processes, tasks, memoryBytes, newOomKills } = reading;
  const byProcesses = PROCESS_FACTORS.find(([, factor]) => processes > Math.floor(limits.processes * factor + 1e-9));
  if (byProcesses !== undefined) found.push([byProcesses[0], `${processes} processes, ceiling ${limits.processes}`]);
  if (memoryBytes !== undefined) {
    const share = memoryBytes / (limits.memoryMiB * 1024 * 1024);
    const byMemory: readonly [LadderLevel, number] | undefined =
      share > 1 ? ["bypass", 1] : MEMORY_SHARES.find(([, line]) => share > line);
    if (byMemory !== undefined)
      found.push([byMemory[0], `memory at ${Math.round(share * 100)} % of ${limits.memoryMiB} MiB`]);
  }
  if (newOomKills > 0) found.push(["nuclear", `the kernel ended ${newOomKills} processes at the memory limit`]);
  if (tasks !== undefined && tasks > limits.pids)
    found.push(["bypass", `${tasks} tasks over the limit of ${limits.pids}`]);
  else if (tasks !== undefined && tasks >= limits.pids * TASK_SHARE)
    found.push(["ceiling", `${tasks} tasks of ${limits.pids}`]);
  const rank = (level: LadderLevel): number => LADDER_LEVELS.indexOf(level);
  const level = found.reduce<LadderLevel>((worst, [next]) => (rank(next) > rank(worst) ? next : worst), "normal");
  return { level, reasons: found.map(([, reason]) => reason) };
}
