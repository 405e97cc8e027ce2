/** So many acts on one thing within a time, and no more. */
export class Allowance {
  readonly #most: number;
  readonly #withinMs: number;
  readonly #acts = new Map<string, number[]>();

  constructor(most: number, withinSeconds: number) {
    this.#most = most;
    this.#withinMs = withinSeconds * 1000;
  }

  /** For messages: `3 times within 600 s`. */
  get words(): string {
    return `${this.#most} times within ${this.#withinMs / 1000} s`;
  }

  /** Counts one act, if it is allowed. @param now milliseconds of a clock that never goes back. */
  take(name: string, now = performance.now()): boolean {
    const recent = (this.#acts.get(name) ?? []).filter((at) => now - at < this.#withinMs);
    const allowed = recent.length < this.#most;
    this.#acts.set(name, allowed ? [...recent, now] : recent);
    return allowed;
  }
}
