import type { ServerResponse } from "node:http";
import type { Authenticated } from "./callers.ts";

/** Streams that stand for hours, each with who opened it: they end when that holds no longer. */
export class OpenStreams {
  readonly #streams = new Map<ServerResponse, Authenticated>();

  add(response: ServerResponse, caller: Authenticated): void {
    this.#streams.set(response, caller);
    response.on("close", () => this.#streams.delete(response));
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Ends all of them in an orderly way. */
  end(): void {
    for (const response of this.#streams.keys()) response.end();
  }

  /** Cuts off those whose caller does not hold; what the servers say is for it no longer. */
  retain(holds: (caller: Authenticated) => boolean): void {
    for (const [response, caller] of this.#streams) if (!holds(caller)) response.destroy();
  }
}
