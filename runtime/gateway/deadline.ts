import { Fault } from "../wire/faults.ts";

/** The time that one call has, from its arrival to its answer. */
export class Deadline {
  readonly #abort = new AbortController();
  readonly #endsAt: number;
  readonly #timer: NodeJS.Timeout;

  constructor(what: string, timeoutMs: number) {
    this.#endsAt = Date.now() + timeoutMs;
    this.#timer = setTimeout(
      () => this.#abort.abort(new Fault("timeout", `${what} was not answered within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get remainingMs(): number {
    return Math.max(1, this.#endsAt - Date.now());
  }

  /** The client has gone: nobody waits any more. */
  cancel(reason: string): void {
    this.#abort.abort(new Fault("cancelled", reason));
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
