import type { ReplyTarget } from "./replyTarget.ts";

interface StoredEvent {
  readonly sequence: number;
  readonly frame: string;
}

/** Bounds of one stream: what a slow or absent reader may hold in memory. */
export interface SseBounds {
  readonly maxStoredEvents: number;
  readonly maxStoredBytes: number;
  /** Bytes that may wait in the socket before the reader counts as too slow and is cut off. */
  readonly maxSocketBytes: number;
}

export const SSE_BOUNDS: SseBounds = { maxStoredEvents: 256, maxStoredBytes: 1 << 20, maxSocketBytes: 4 << 20 };

const SSE_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const;

/**
 * One server-sent event stream that survives its connection: events carry ids `STREAM_SEQUENCE`, the last ones are
 * kept, and a client that comes back with Last-Event-ID gets what it missed.
 */
export class SseStream {
  readonly id: string;
  #bounds: SseBounds;
  #events: StoredEvent[] = [];
  #storedBytes = 0;
  #sequence = 0;
  #response: ReplyTarget | undefined;
  #ended = false;

  constructor(id: string, bounds: SseBounds = SSE_BOUNDS) {
    this.id = id;
    this.#bounds = bounds;
  }

  get attached(): boolean {
    return this.#response !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Sends the headers and everything behind `afterSequence`. A new stream begins with an event without data, so that
   * the client has an id to come back with (revision 2025-11-25).
   */
  attach(response: ReplyTarget, headers: Readonly<Record<string, string>>, afterSequence?: number): void {
    this.#response?.end();
    this.#response = response;
    response.writeHead(200, { ...SSE_HEADERS, ...headers });
    response.on("close", () => {
      if (this.#response === response) this.#response = undefined;
    });
    if (afterSequence === undefined) {
      this.#sequence += 1;
      response.write(`id: ${this.id}_${this.#sequence}\ndata: \n\n`);
    } else {
      for (const event of this.#events) if (event.sequence > afterSequence) response.write(event.frame);
      response.write(": resumed\n\n");
    }
    if (this.#ended) this.#finish();
  }

  /** Sends one JSON-RPC message; kept for a later resume when nobody reads. */
  send(text: string): void {
    if (this.#ended) return;
    this.#sequence += 1;
    const frame = `id: ${this.id}_${this.#sequence}\nevent: message\ndata: ${text}\n\n`;
    this.#store({ sequence: this.#sequence, frame });
    if (this.#response === undefined) return;
    this.#response.write(frame);
    if (this.#response.writableLength > this.#bounds.maxSocketBytes) this.#response.destroy();
  }

  /** A comment that keeps proxies from closing an idle stream. */
  keepAlive(): void {
    this.#response?.write(": \n\n");
  }

  /** No more events; the stored ones stay readable. */
  end(): void {
    this.#ended = true;
    this.#finish();
  }

  #finish(): void {
    this.#response?.end();
    this.#response = undefined;
  }

  #store(event: StoredEvent): void {
    this.#events.push(event);
    this.#storedBytes += event.frame.length;
    while (this.#events.length > this.#bounds.maxStoredEvents || this.#storedBytes > this.#bounds.maxStoredBytes) {
      const oldest = this.#events.shift();
      if (oldest === undefined) return;
      this.#storedBytes -= oldest.frame.length;
    }
  }
}

/** `STREAM_SEQUENCE` → its parts; undefined when it is not one of ours. */
export function parseEventId(value: string): { readonly stream: string; readonly sequence: number } | undefined {
  const match = /^([a-z0-9]+)_(\d{1,9})$/.exec(value);
  return match?.[1] === undefined ? undefined : { stream: match[1], sequence: Number(match[2]) };
}

/** Splits server-sent events into the `data` of each, for streams that we read; comments and ids are skipped. */
export class SseParser {
  #rest = "";
  #data: string[] = [];

  /** Returns the data of every event that is complete with this piece. */
  push(piece: string): string[] {
    const found: string[] = [];
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        const data = this.#data.join("\n");
        this.#data = [];
        if (data !== "") found.push(data);
      } else if (line.startsWith("data:")) this.#data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    }
    return found;
  }

  /** Bytes held of an event that is not complete yet. */
  get pendingLength(): number {
    return this.#rest.length + this.#data.reduce((sum, line) => sum + line.length, 0);
  }
}
