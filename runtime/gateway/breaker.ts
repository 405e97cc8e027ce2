/** Failures in a row after which no more calls are sent. */
const FAILURES = 5;
/** Shortest pause; after it one good probe closes the breaker again. */
const OPEN_MS = 5000;

/**
 * Circuit breaker of one server (R-GW-12): repeated failures of calls open it, and not a caller's request but a probe
 * of `/ready` closes it.
 */
export class Breaker {
  #failures = 0;
  #openedAt: number | undefined;

  get open(): boolean {
    return this.#openedAt !== undefined;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** A call ended without an answer of the server; `now` in milliseconds. */
  failed(now: number): void {
    this.#failures += 1;
    if (this.#failures >= FAILURES) this.#openedAt ??= now;
  }

  /** A probe found the server in order. */
  probed(now: number): void {
    if (this.#openedAt === undefined || now - this.#openedAt < OPEN_MS) return;
    this.#openedAt = undefined;
    this.#failures = 0;
  }
}
