import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import { BatchedWriter } from "../wire/batchedWriter.ts";
import { LineFramer } from "../wire/lineFramer.ts";
import type { ReplyTarget } from "../wire/replyTarget.ts";
import {
  decodeRequest,
  encodeReply,
  FRAME_OVERHEAD_BYTES,
  MAX_CALL_BYTES,
  TRUNK_PATH,
  TRUNK_PROTOCOL,
  type TrunkReply,
} from "../wire/trunkFrames.ts";
import type { McpEndpoint } from "./mcpEndpoint.ts";

/** What may wait for a gateway that does not read; beyond it the connection is of no use. */
const MAX_WAITING_BYTES = 64 << 20;

/** The answer to one call on the trunk. */
class TrunkResponse implements ReplyTarget {
  readonly #send: (reply: TrunkReply) => void;
  readonly #waiting: () => number;
  readonly #id: number;
  #head: { readonly status: number; readonly headers: Record<string, string> } | undefined;
  #begun = false;
  #listeners: (() => void)[] = [];
  destroyed = false;
  writableEnded = false;

  constructor(id: number, send: (reply: TrunkReply) => void, waiting: () => number) {
    this.#id = id;
    this.#send = send;
    this.#waiting = waiting;
  }

  get headersSent(): boolean {
    return this.#head !== undefined;
  }

  get writableLength(): number {
    return this.#waiting();
  }

  writeHead(status: number, headers: OutgoingHttpHeaders = {}): this {
    const entries = Object.entries(headers).map(([name, value]) => [name, String(value)]);
    this.#head = { status, headers: Object.fromEntries(entries) as Record<string, string> };
    return this;
  }

  write(text: string): void {
    if (this.destroyed || this.#head === undefined) return;
    if (!this.#begun) {
      this.#begun = true;
      this.#send({ kind: "begin", id: this.#id, ...this.#head });
    }
    this.#send({ kind: "piece", id: this.#id, text });
  }

  end(text = ""): void {
    if (this.destroyed || this.writableEnded || this.#head === undefined) return;
    this.writableEnded = true;
    if (!this.#begun) this.#send({ kind: "whole", id: this.#id, ...this.#head, text });
    else {
      if (text !== "") this.#send({ kind: "piece", id: this.#id, text });
      this.#send({ kind: "end", id: this.#id });
    }
    this.#close();
  }

  destroy(): void {
    if (this.destroyed || this.writableEnded) return;
    this.#send({ kind: "cut", id: this.#id });
    this.gone();
  }

  on(_event: "close", listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The client has gone: nobody reads any more. */
  gone(): void {
    if (this.destroyed || this.writableEnded) return;
    this.destroyed = true;
    this.#close();
  }

  #close(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}

/** Serves one trunk until its connection ends. */
function serveTrunk(endpoint: McpEndpoint, socket: Duplex, head: Buffer): void {
  const open = new Map<number, TrunkResponse>();
  const writer = new BatchedWriter((text) => socket.write(text));
  const waiting = (): number => socket.writableLength + writer.pendingLength;
  const send = (reply: TrunkReply): void => {
    if (reply.kind !== "begin" && reply.kind !== "piece") open.delete(reply.id);
    writer.push(encodeReply(reply));
    if (waiting() > MAX_WAITING_BYTES) socket.destroy();
  };
  const line = (text: string): void => {
    try {
      const frame = decodeRequest(text);
      if (frame.kind === "gone") {
        const response = open.get(frame.id);
        open.delete(frame.id);
        response?.gone();
        return;
      }
      const response = new TrunkResponse(frame.id, send, waiting);
      open.set(frame.id, response);
      void endpoint.message(frame.head, frame.body, response);
    } catch {
      // a peer that sends no frames cannot be answered in frames
      socket.destroy();
    }
  };
  const quiet = endpoint.onPause(() => send({ kind: "pause", id: 0 }));
  const framer = new LineFramer(MAX_CALL_BYTES + FRAME_OVERHEAD_BYTES, { line, oversize: () => socket.destroy() });
  socket.on("data", (chunk: Buffer) => framer.push(chunk));
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.end());
  socket.on("close", () => {
    quiet();
    for (const response of open.values()) response.gone();
    open.clear();
  });
  if (head.length > 0) framer.push(head);
}

/** Answers the upgrade of a gateway; anything else is refused. */
export function acceptTrunk(endpoint: McpEndpoint, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (request.url !== TRUNK_PATH || request.headers.upgrade !== TRUNK_PROTOCOL) {
    socket.end("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    return;
  }
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${TRUNK_PROTOCOL}\r\n\r\n`);
  serveTrunk(endpoint, socket, head);
}
