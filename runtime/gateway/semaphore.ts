import { Fault } from "../wire/faults.ts";

/** At most `limit` holders at once, at most `maxQueued` waiting in order of arrival (R-GW-10). */
export class Semaphore {
  readonly #name: string;
  readonly #limit: number;
  readonly #maxQueued: number;
  readonly #waiting = new Set<() => void>();
  #held = 0;

  constructor(name: string, limit: number, maxQueued: number) {
    this.#name = name;
    this.#limit = limit;
    this.#maxQueued = maxQueued;
  }

  get held(): number {
    return this.#held;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /** True when a place was free; then `release` must follow. */
  tryAcquire(): boolean {
    if (this.#held >= this.#limit) return false;
    this.#held += 1;
    return true;
  }

  /** Waits for a place. Throws Fault "overloaded" when too many wait, "timeout" when none came in time. */
  acquire(timeoutMs: number): Promise<void> {
    if (this.tryAcquire()) return Promise.resolve();
    if (this.#waiting.size >= this.#maxQueued) {
      return Promise.reject(new Fault("overloaded", `${this.#name}: ${this.#waiting.size} calls are waiting already`));
    }
    return new Promise((resolve, reject) => {
      const granted = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(granted);
        reject(new Fault("timeout", `${this.#name}: no place became free within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.#waiting.add(granted);
    });
  }

  /** Hands the place to the one that waits longest. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#held -= 1;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
