import { setTimeout as sleep } from "node:timers/promises";
import { fetch } from "undici";
import type { Logger } from "../wire/log.ts";
import type { LogLine } from "./dockerLog.ts";

export interface LokiSinkArgs {
  /** Base URL. */
  url: string;
  /** Of every request; asked for each time, as a password may change. */
  headers: () => Record<string, string>;
  /** On every line. */
  labels: Readonly<Record<string, string>>;
  log: Logger;
  /** Told of what becomes of lines. */
  count: (outcome: "delivered" | "refused" | "failed", lines: number) => void;
}

interface Waiting {
  labels: Readonly<Record<string, string>>;
  line: LogLine;
  delivered: () => void;
}

const BATCH_MS = 500;
const BATCH_CHARS = 256 * 1024;
/** Above, whoever has a line waits: it stays with Docker so long. */
const MOST_CHARS = 1024 * 1024;
const PUSH_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 15_000;
/** Answers to what is wrong with the lines themselves; all others, a wrong password too, somebody may mend. */
const REFUSALS = new Set([400, 413, 422]);

/**
 * Delivers lines by Loki's push protocol (https://grafana.com/docs/loki/latest/reference/loki-http-api/), one batch at a time and
 * each until it has been taken. Only what the store will never take is dropped, and counted.
 */
export class LokiSink {
  readonly #args: LokiSinkArgs;
  #waiting: Waiting[] = [];
  #chars = 0;
  #roomFor: Array<() => void> = [];
  #over = false;

  constructor(args: LokiSinkArgs) {
    this.#args = args;
    void this.#run();
  }

  /** @param delivered called when the store has it. @returns when there is room for the next one. */
  async add(labels: Readonly<Record<string, string>>, line: LogLine, delivered: () => void): Promise<void> {
    while (this.#chars > MOST_CHARS && !this.#over)
      await new Promise<void>((resolve) => {
        this.#roomFor.push(resolve);
      });
    this.#waiting.push({ labels, line, delivered });
    this.#chars += line.text.length;
  }

  stop(): void {
    this.#over = true;
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      if (this.#chars < BATCH_CHARS) await sleep(BATCH_MS);
      const batch = this.#waiting;
      if (batch.length === 0) continue;
      this.#waiting = [];
      await this.#deliver(batch);
      this.#chars -= batch.reduce((sum, { line }) => sum + line.text.length, 0);
      for (const go of this.#roomFor.splice(0)) go();
    }
  }

  async #deliver(batch: readonly Waiting[]): Promise<void> {
    const { count, log } = this.#args;
    const body = JSON.stringify({ streams: streamsOf(batch, this.#args.labels) });
    for (let pauseMs = FIRST_PAUSE_MS; !this.#over; pauseMs = Math.min(2 * pauseMs, MOST_PAUSE_MS)) {
      const answer = await this.#push(body);
      if (answer === true || !answer.again) {
        count(answer === true ? "delivered" : "refused", batch.length);
        if (answer !== true) log.error({ event: "lines-refused", lines: batch.length, reason: answer.reason });
        for (const { delivered } of batch) delivered();
        return;
      }
      count("failed", batch.length);
      if (pauseMs === FIRST_PAUSE_MS) log.warn({ event: "store-silent", reason: answer.reason });
      await sleep(pauseMs);
    }
  }

  async #push(body: string): Promise<true | { again: boolean; reason: string }> {
    const { url, headers } = this.#args;
    try {
      const response = await fetch(`${url}/loki/api/v1/push`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers() },
        body,
        signal: AbortSignal.timeout(PUSH_TIMEOUT_MS),
      });
      const text = await response.text();
      if (response.ok) return true;
      return { again: !REFUSALS.has(response.status), reason: `${response.status} ${text.slice(0, 500).trim()}` };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
      return { again: true, reason: `${error instanceof Error ? error.message : String(error)}${cause}` };
    }
  }
}

function streamsOf(batch: readonly Waiting[], common: Readonly<Record<string, string>>) {
  const streams = new Map<string, { stream: Record<string, string>; values: Array<[string, string]> }>();
  for (const { labels, line } of batch) {
    const stream = { ...common, ...labels, stream: line.stream };
    const key = JSON.stringify(stream);
    const value: [string, string] = [line.nanoseconds.toString(), line.text];
    const found = streams.get(key);
    if (found) found.values.push(value);
    else streams.set(key, { stream, values: [value] });
  }
  return [...streams.values()];
}
