import type { ProcessStat } from "./processGroup.ts";

/** A process with its command line, as the ladder weighs it. */
export interface Candidate extends ProcessStat {
  readonly command: string;
}

/**
 * Who is ended first (R-PRC-09): duplicates of the same command, of which the oldest is spared, then the highest
 * memory, then the oldest. Essentials (init, supervisor, the declared children) and zombies are never among them.
 */
export function orderVictims(processes: readonly Candidate[], essential: ReadonlySet<number>): Candidate[] {
  const candidates = processes.filter((process) => !essential.has(process.pid) && process.state !== "Z");
  const oldest = new Map<string, number>();
  for (const { command, startTicks } of candidates)
    oldest.set(command, Math.min(startTicks, oldest.get(command) ?? Infinity));
  const isDuplicate = (process: Candidate): boolean => process.startTicks > (oldest.get(process.command) ?? 0);
  return [...candidates].sort(
    (a, b) =>
      Number(isDuplicate(b)) - Number(isDuplicate(a)) ||
      b.residentPages - a.residentPages ||
      a.startTicks - b.startTicks ||
      a.pid - b.pid,
  );
}
