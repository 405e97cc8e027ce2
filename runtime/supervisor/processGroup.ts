import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The fields of /proc/PID/stat that are used here. */
export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  /** `Z` is a zombie: ended, but not yet collected by its parent. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly threads: number;
  /** Clock ticks since boot; with the pid it names a process for good. */
  readonly startTicks: number;
  readonly residentPages: number;
}

/** Reads one line of /proc/PID/stat; the name may itself hold blanks and brackets. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open === -1 || close === -1) return undefined;
  const rest = text.slice(close + 2).split(" ");
  const number = (index: number): number => Number(rest[index] ?? NaN);
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: rest[0] ?? "?",
    parent: number(1),
    group: number(2),
    threads: number(17),
    startTicks: number(19),
    residentPages: number(21),
  };
}

/** undefined when the process is gone. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Every process of our pid namespace. */
export function allProcesses(): ProcessStat[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? []);
}

/** Sends a signal to a process, or to a group when negative. False when there is nobody left to get it. */
export function signal(target: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, name);
    return true;
  } catch {
    return false;
  }
}

/** Zombies still count for kill(2), but wait only for their parent or the init. */
function groupRuns(group: number): boolean {
  if (!signal(-group, 0)) return false;
  return allProcesses().some((stat) => stat.group === group && stat.state !== "Z");
}

const POLL_MS = 25;
/** SIGKILL cannot be refused; what is still there after this hangs in the kernel. */
const KILL_WAIT_MS = 2000;

async function waitForEnd(group: number, limitMs: number): Promise<boolean> {
  const until = Date.now() + limitMs;
  while (groupRuns(group)) {
    if (Date.now() >= until) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/**
 * Ends a whole process group: TERM, then KILL after `graceMs`, and waits until no member runs.
 * Returns false when a member could not be ended.
 */
export async function endGroup(group: number, graceMs: number): Promise<boolean> {
  if (!signal(-group, "SIGTERM")) return true;
  if (await waitForEnd(group, graceMs)) return true;
  signal(-group, "SIGKILL");
  return waitForEnd(group, KILL_WAIT_MS);
}

/** Ends single processes in the same way; used for those that left their group. */
export async function endProcesses(pids: readonly number[], graceMs: number): Promise<void> {
  const runs = (pid: number): boolean => (readStat(pid)?.state ?? "Z") !== "Z";
  const left = pids.filter((pid) => signal(pid, "SIGTERM"));
  const until = Date.now() + graceMs;
  while (left.some(runs) && Date.now() < until) await sleep(POLL_MS);
  for (const pid of left) if (runs(pid)) signal(pid, "SIGKILL");
}
