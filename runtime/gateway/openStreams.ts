import type { ServerResponse } from "node:http";
import type { Credential } from "./auth.ts";

/** Streams that stand for hours, each with what its client has shown: they end when that holds no longer. */
export class OpenStreams {
  readonly #streams = new Map<ServerResponse, Credential>();

  add(response: ServerResponse, credential: Credential): void {
    this.#streams.set(response, credential);
    response.on("close", () => this.#streams.delete(response));
  }

  /** Cuts off those whose credential `holds` no longer; what their servers say is for nobody else. */
  retain(holds: (credential: Credential) => boolean): void {
    for (const [response, credential] of this.#streams) if (!holds(credential)) response.destroy();
  }
}
