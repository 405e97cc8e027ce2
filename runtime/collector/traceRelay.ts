import { setTimeout as sleep } from "node:timers/promises";
import { fetch } from "undici";
import type { Logger } from "../wire/log.ts";

export interface TraceRelayArgs {
  /** Base URL. */
  url: string;
  headers: () => Record<string, string>;
  log: Logger;
  count: (outcome: "delivered" | "dropped") => void;
}

interface Batch {
  contentType: string;
  body: string;
}

const MOST_WAITING = 64;
const TRIES = 4;
const FIRST_PAUSE_MS = 500;
const TIMEOUT_MS = 10_000;

/** Hands batches of spans on by OTLP over HTTP as they came (https://opentelemetry.io/docs/specs/otlp/); what nobody takes is dropped. */
export class TraceRelay {
  readonly #args: TraceRelayArgs;
  readonly #waiting: Batch[] = [];
  #busy = false;

  constructor(args: TraceRelayArgs) {
    this.#args = args;
  }

  /** @returns false where too many wait already: whoever has it may come again. */
  add(batch: Batch): boolean {
    if (this.#waiting.length >= MOST_WAITING) return false;
    this.#waiting.push(batch);
    void this.#run();
    return true;
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let batch = this.#waiting.shift(); batch !== undefined; batch = this.#waiting.shift()) {
      const fault = await this.#deliver(batch);
      this.#args.count(fault === undefined ? "delivered" : "dropped");
      if (fault !== undefined) this.#args.log.warn({ event: "traces-dropped", reason: fault });
    }
    this.#busy = false;
  }

  /** @returns why nobody has taken it. */
  async #deliver({ contentType, body }: Batch): Promise<string | undefined> {
    let fault = "";
    for (let left = TRIES; left > 0; left--) {
      try {
        const response = await fetch(`${this.#args.url}/v1/traces`, {
          method: "POST",
          headers: { "content-type": contentType, ...this.#args.headers() },
          body,
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const text = await response.text();
        if (response.ok) return undefined;
        fault = `${response.status} ${text.slice(0, 500).trim()}`;
        if (response.status < 500 && response.status !== 429) return fault;
      } catch (error) {
        fault = error instanceof Error ? error.message : String(error);
      }
      if (left > 1) await sleep(FIRST_PAUSE_MS * 2 ** (TRIES - left));
    }
    return fault;
  }
}
