import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { controlledSchema, type Controlled } from "../contract/index.ts";

const LIST_TIMEOUT_MS = 5000;
const TAIL_TIMEOUT_MS = 10_000;

/** What containers have written, through the filter before Docker. */
export class ContainerLogs {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** This stack's containers. @throws Error where the filter or Docker does not answer. */
  async containers(): Promise<Controlled[]> {
    const answer = await this.#open("/containers", AbortSignal.timeout(LIST_TIMEOUT_MS));
    return z.array(controlledSchema).parse(JSON.parse(await text(answer)));
  }

  /** A log from a time on, and what is written from now on; ends with the container or with `signal`. @param since as Docker has it */
  follow(id: string, since: string, signal: AbortSignal): Promise<IncomingMessage> {
    return this.#open(`/containers/${id}/logs?since=${since}&follow=1`, signal);
  }

  /** The last lines. */
  tail(id: string, lines: number): Promise<IncomingMessage> {
    return this.#open(`/containers/${id}/logs?tail=${lines}`, AbortSignal.timeout(TAIL_TIMEOUT_MS));
  }

  async #open(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ socketPath: this.#socketPath, path, signal, agent: false }, resolve).on("error", reject).end();
    });
    if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${await text(answer)}`);
    return answer;
  }
}
