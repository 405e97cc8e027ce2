import { request } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { controlledSchema, type Controlled } from "../contract/index.ts";

const LIST_TIMEOUT_MS = 5000;
/** Docker gives the container its time to end. */
const RESTART_TIMEOUT_MS = 60_000;

/** The filter, as the guard asks it. */
export class ControlClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** This stack's containers. @throws Error where the filter or Docker does not answer. */
  async containers(): Promise<Controlled[]> {
    const { status, body } = await this.#ask("GET", "/containers", LIST_TIMEOUT_MS);
    if (status !== 200) throw new Error(body);
    return z.array(controlledSchema).parse(JSON.parse(body));
  }

  /** @returns true when it was restarted, else why not. */
  async restart(id: string): Promise<true | string> {
    const { status, body } = await this.#ask("POST", `/containers/${id}/restart`, RESTART_TIMEOUT_MS);
    return status === 200 ? true : body;
  }

  #ask(method: string, path: string, timeoutMs: number): Promise<{ status: number; body: string }> {
    const signal = AbortSignal.timeout(timeoutMs);
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.#socketPath, method, path, signal, agent: false }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      });
      asked.on("error", reject).end();
    });
  }
}
