import type { Limits } from "../contract/index.ts";
import type { Logger } from "../wire/log.ts";
import type { Container } from "./container.ts";
import type { KernelUsage } from "./kernelLimits.ts";
import { judge, type LadderLevel, type LadderVerdict } from "./ladder.ts";
import { endProcesses } from "./processGroup.ts";
import { orderVictims, type Candidate } from "./victims.ts";

export interface LadderOptions {
  readonly log: Logger;
  readonly container: Container;
  readonly limits: () => Limits;
  readonly usage: () => KernelUsage;
  /** Time between two looks while all is normal, and while it is not. */
  readonly intervalsMs: () => readonly [calm: number, alert: number];
  readonly graceMs: () => number;
  /** The declared children: never victims. */
  readonly essential: () => readonly number[];
  /** Metric per action. */
  readonly acted: (level: LadderLevel, action: string) => void;
  /** R-PRC-24: the evidence is written, the container must start afresh. */
  readonly restartContainer: (reason: string) => void;
}

/** Most processes that an evidence line lists; with 101 of them the log line stays under 20 kB. */
const EVIDENCE_PROCESSES = 120;

/** Page size of x86-64 and of most arm64 kernels; only used outside of containers. */
const PAGE_BYTES = 4096;

/** Looks at the container again and again and does what the ladder says; one log line and one count per action. */
export class LadderRunner {
  readonly #options: LadderOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #oomKills: number | undefined;
  #verdict: LadderVerdict = { level: "normal", reasons: [] };
  #processes: readonly Candidate[] = [];

  constructor(options: LadderOptions) {
    this.#options = options;
  }

  get verdict(): LadderVerdict {
    return this.#verdict;
  }

  /** What the last look saw, zombies included. */
  get processes(): readonly Candidate[] {
    return this.#processes;
  }

  start(): void {
    this.#stopped = false;
    void this.look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** One look and what follows from it; also called by itself at every interval. */
  async look(): Promise<void> {
    clearTimeout(this.#timer);
    const { container, limits, usage, intervalsMs, log } = this.#options;
    this.#processes = container.processes();
    const alive = this.#processes.filter(({ state }) => state !== "Z");
    // the kernel's figures are of the whole group: outside of an own container only our own processes say something
    const { tasks, memoryBytes, oomKills } = container.own
      ? usage()
      : { tasks: undefined, memoryBytes: residentBytes(alive), oomKills: undefined };
    const newOomKills = this.#oomKills === undefined ? 0 : (oomKills ?? 0) - this.#oomKills;
    this.#oomKills = oomKills;
    const before = this.#verdict.level;
    this.#verdict = judge({ processes: alive.length, tasks, memoryBytes, newOomKills }, limits());
    const { level, reasons } = this.#verdict;
    log[level === "normal" ? "debug" : "warn"]({
      event: "ladder",
      // `level` is the log's own
      ladderLevel: level,
      reasons,
      processes: alive.length,
      tasks,
      memoryBytes,
    });
    if (level !== before) log.info({ event: "ladder-level", from: before, to: level, reasons });
    await this.#act(level, alive);
    const [calm, alert] = intervalsMs();
    if (!this.#stopped) this.#timer = setTimeout(() => void this.look(), level === "normal" ? calm : alert);
  }

  async #act(level: LadderLevel, alive: readonly Candidate[]): Promise<void> {
    const { restartContainer, limits, acted, container } = this.#options;
    if (level === "normal") return;
    if (level === "ceiling" || level === "warning" || level === "bypass") {
      acted(level, "alert");
      return;
    }
    this.#evidence(level, alive);
    const victims = orderVictims(alive, this.#essential(alive));
    if (level === "critical")
      await this.#end(
        level,
        "clean-up",
        victims.slice(0, Math.max(1, alive.length - limits().processes)),
        this.#options.graceMs(),
      );
    else await this.#end(level, "terminate", victims, 0);
    if (level !== "nuclear") return;
    acted(level, "restart");
    this.#options.log.fatal({ event: "ladder-action", ladderLevel: level, action: "restart", own: container.own });
    restartContainer(this.#verdict.reasons.join("; "));
  }

  /** The declared children lead their groups; a process without a parent of its own is nobody's essential. */
  #essential(alive: readonly Candidate[]): Set<number> {
    const declared = new Set(this.#options.essential());
    return new Set(alive.filter(({ pid }) => declared.has(pid)).map(({ pid }) => pid));
  }

  async #end(level: LadderLevel, action: string, victims: readonly Candidate[], graceMs: number): Promise<void> {
    if (victims.length === 0) return;
    this.#options.acted(level, action);
    const pids = victims.map(({ pid }) => pid);
    this.#options.log.warn({ event: "ladder-action", ladderLevel: level, action, processes: pids.length, pids });
    await endProcesses(pids, graceMs);
  }

  /** R-PRC-15: the process table before anything is ended. */
  #evidence(level: LadderLevel, alive: readonly Candidate[]): void {
    const table = alive
      .slice(0, EVIDENCE_PROCESSES)
      .map(({ pid, parent, threads, residentPages, command }) => [
        pid,
        parent,
        threads,
        residentPages,
        command.slice(0, 120),
      ]);
    this.#options.log.warn({
      event: "ladder-evidence",
      ladderLevel: level,
      limits: this.#options.limits(),
      processes: alive.length,
      table,
    });
  }
}

/** Shared pages count for each process that has them, so this is rather too much than too little. */
function residentBytes(processes: readonly Candidate[]): number {
  return processes.reduce((sum, { residentPages }) => sum + residentPages * PAGE_BYTES, 0);
}
