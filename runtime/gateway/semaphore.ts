import { Fault } from "../wire/faults.ts";

/** At most `limit` holders at once, at most `maxQueued` waiting in order of arrival (R-GW-10). */
export class Semaphore {
  readonly #name: string;
  readonly #waiting = new Set<() => void>();
  #limit: number;
  #maxQueued: number;
  #held = 0;
  #emptied: (() => void)[] = [];

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

  /** Holders beyond a lower limit keep their places. */
  resize(limit: number, maxQueued: number): void {
    this.#limit = limit;
    this.#maxQueued = maxQueued;
    while (this.#held < this.#limit && this.#waiting.size > 0) {
      this.#held += 1;
      this.#next();
    }
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
    if (this.#held <= this.#limit && this.#waiting.size > 0) this.#next();
    else this.#held -= 1;
    if (this.#held > 0) return;
    for (const emptied of this.#emptied.splice(0)) emptied();
  }

  /** Resolves once nobody holds a place. */
  empty(): Promise<void> {
    return this.#held === 0 ? Promise.resolve() : new Promise((resolve) => this.#emptied.push(resolve));
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    next();
  }
}
