import type { Limits } from "../runtime/contract/index.ts";

/** Processes at which the ladder fires its first level, unless an entry says otherwise (R-PRC-06). */
const DEFAULT_PROCESSES = 15;
/** Smallest nproc: R-LIM-02. */
const MIN_NPROC = 100;

/**
 * Limits by class, so that a server's entry names one word.
 * Memory and pids come from measured servers: threads count as pids, a Node 24 server has 7, a Python server 3, and
 * the supervisor with its init needs another 9. `nproc` counts per uid on the whole host and is the second line: at
 * least twice `pids`. `processes` 15 and the whole class `hub` are the MetaMCP plan's own figures (R-LIM-02).
 */
export const limitClasses = {
  /** Small Node and Python servers: 57 to 80 MB measured for the server alone. */
  light: limits({ memoryMiB: 256, memoryReservationMiB: 64, cpus: 1, pids: 32 }),
  /** Larger Node servers and the gateway: claude-flow measured at 143 MB and 15 threads. */
  standard: limits({ memoryMiB: 512, memoryReservationMiB: 128, cpus: 1, pids: 64 }),
  /** Chromium: 1,062 MB and 118 threads measured for Playwright's server on a small page. */
  browser: limits({ memoryMiB: 2048, memoryReservationMiB: 512, cpus: 2, pids: 256 }),
  /** cclsp with TypeScript: 823 MB, 9 processes and 79 threads measured. */
  "language-server": limits({ memoryMiB: 1536, memoryReservationMiB: 384, cpus: 2, pids: 128 }),
  /** Servers that drive a GPU: host memory for weights on their way, threads of the driver's runtime. */
  gpu: limits({ memoryMiB: 4096, memoryReservationMiB: 1024, cpus: 2, pids: 256 }),
  /** The hub of the MetaMCP plan, figure by figure. */
  hub: limits({ memoryMiB: 4096, memoryReservationMiB: 1024, cpus: 2, pids: 25 }),
} satisfies Record<string, Limits>;

/** Of a proxy: one thread, two files for each connection. */
export const proxyLimits: Limits = { ...limitClasses.light, nofile: { soft: 8192, hard: 8192 } };

/** What monitors: a dozen threads of Go's each, history in memory for the newest two hours. */
export const monitorLimits = {
  prometheus: { ...limitClasses.standard, nofile: { soft: 8192, hard: 8192 } },
  alertmanager: limitClasses.light,
  guard: limitClasses.light,
  monitor: limitClasses.light,
  "guard-control": { ...limitClasses.light, memoryMiB: 128 },
  collector: limitClasses.light,
  "collector-control": { ...limitClasses.light, memoryMiB: 128 },
} satisfies Record<string, Limits>;

export type LimitClass = keyof typeof limitClasses;

export const limitClassNames = Object.keys(limitClasses) as [LimitClass, ...LimitClass[]];

function limits(core: Pick<Limits, "memoryMiB" | "memoryReservationMiB" | "cpus" | "pids">): Limits {
  return {
    ...core,
    processes: DEFAULT_PROCESSES,
    nofile: { soft: 1024, hard: 2048 },
    nproc: Math.max(MIN_NPROC, 2 * core.pids),
  };
}
