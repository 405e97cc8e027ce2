import type { ContainerReading } from "./round.ts";

/** Why a container is restarted from outside: what nobody inside can mend any more. */
export type Cause = "stopped" | "pids-full" | "memory-full" | "silent";

/** Close enough: the kernel refuses forks a little before, and ends processes only at it. */
const FULL_OF_MEMORY = 0.98;

export interface Verdict {
  readonly id: string;
  readonly name: string;
  readonly cause: Cause;
}

/**
 * The last rungs of the ladder. A cause must be seen in every round for as long as its patience; what goes away meanwhile was
 * mended by the supervisor, whose rungs come first.
 */
export class Judge {
  readonly #patienceMs: number;
  /** Container and cause → since when. */
  #since = new Map<string, number>();

  constructor(patienceSeconds: number) {
    this.#patienceMs = patienceSeconds * 1000;
  }

  /** @param now milliseconds of a clock that never goes back. */
  verdicts(containers: readonly ContainerReading[], now: number): Verdict[] {
    const since = new Map<string, number>();
    const verdicts: Verdict[] = [];
    for (const reading of containers) {
      // A service is another's program: a database may need all its memory, and longer than ours to end well.
      if (reading.declared?.uid === undefined) continue;
      for (const cause of causesOf(reading)) {
        const key = `${reading.id} ${cause}`;
        const began = this.#since.get(key) ?? now;
        since.set(key, began);
        if (now - began >= this.#patienceMs) verdicts.push({ id: reading.id, name: reading.declared.name, cause });
      }
    }
    this.#since = since;
    return verdicts.filter(({ id }, index) => verdicts.findIndex((other) => other.id === id) === index);
  }

  /** Begins anew with a container that was restarted. */
  forget(id: string): void {
    for (const key of [...this.#since.keys()]) if (key.startsWith(`${id} `)) this.#since.delete(key);
  }
}

function causesOf({ stopped, tasks, memoryBytes, limits, declared, health }: ContainerReading): Cause[] {
  const pids = Math.min(limits.pids ?? Infinity, declared?.limits.pids ?? Infinity);
  const memory = limits.memory_bytes ?? Infinity;
  return [
    ...(stopped ? (["stopped"] as const) : []),
    ...((tasks ?? 0) >= pids ? (["pids-full"] as const) : []),
    ...((memoryBytes ?? 0) >= FULL_OF_MEMORY * memory ? (["memory-full"] as const) : []),
    ...(health === "silent" ? (["silent"] as const) : []),
  ];
}
