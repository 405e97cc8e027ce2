import { request } from "node:http";
import type { Socket } from "node:net";
import { BatchedWriter } from "../wire/batchedWriter.ts";
import { Fault } from "../wire/faults.ts";
import { LineFramer } from "../wire/lineFramer.ts";
import {
  decodeReply,
  encodeCall,
  encodeGone,
  TRUNK_PATH,
  TRUNK_PROTOCOL,
  type TrunkHead,
  type TrunkHeaders,
  type TrunkReply,
} from "../wire/trunkFrames.ts";
import { lookup } from "./lookup.ts";

/** What becomes of one call; after `whole`, `end` or `failed` nothing more comes. None of them may throw. */
export interface CallHandlers {
  whole(status: number, headers: TrunkHeaders, text: string): void;
  begin(status: number, headers: TrunkHeaders): void;
  piece(text: string): void;
  end(): void;
  failed(fault: Fault): void;
}

export interface TrunkOptions {
  readonly name: string;
  /** Base URL of the supervisor. */
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** The connection failed or ended; not called after `close`. */
  readonly lost: (reason: string) => void;
  /** The supervisor refuses further calls for a moment, on purpose. */
  readonly paused: () => void;
}

/** Far above what a supervisor lets a server say; a line beyond it means that this is no trunk. */
const MAX_LINE_BYTES = 256 << 20;
/** Bytes that may wait for a supervisor that does not read. */
const MAX_WAITING_BYTES = 64 << 20;
/** Finds a peer that went without a word, for example with its network. */
const TCP_KEEP_ALIVE_MS = 5000;

/** One connection and what is written to it. */
interface Line {
  readonly socket: Socket;
  readonly writer: BatchedWriter;
  /** Why it is no more. */
  ended?: string;
}

/** A call, and the line that it went out on; undefined as long as it waits for one. */
interface Call {
  readonly handlers: CallHandlers;
  line: Line | undefined;
}

/**
 * The connection to one supervisor that carries all calls to it; opened when first needed and again when it is lost. A
 * supervisor that says that it goes gets no more calls on that line, which stays for the answers that it still owes: whoever
 * has its name by then gets the next call.
 */
export class Trunk {
  readonly #options: TrunkOptions;
  readonly #calls = new Map<number, Call>();
  /** Takes new calls. */
  #line: Line | undefined;
  /** Lines that only answer. */
  readonly #parting = new Set<Line>();
  #opening: Promise<Line> | undefined;
  #nextId = 1;
  #closed = false;

  constructor(options: TrunkOptions) {
    this.#options = options;
  }

  /** Sends one message; returns what takes it back when nobody waits for its answer any more. */
  call(head: TrunkHead, body: string, handlers: CallHandlers): () => void {
    const id = this.#nextId++;
    this.#calls.set(id, { handlers, line: undefined });
    if (this.#line !== undefined) this.#transmit(this.#line, id, head, body);
    else {
      this.#open().then(
        (line) => this.#transmit(line, id, head, body),
        (error: unknown) => this.#fail(id, "unavailable", error instanceof Error ? error.message : String(error)),
      );
    }
    return () => this.#take(id)?.line?.writer.push(encodeGone(id));
  }

  /** Opens the connection before a call needs it, so that the supervisor can say what it is about. */
  open(): void {
    if (this.#line === undefined && !this.#closed) this.#open().catch(() => undefined);
  }

  /** Ends the connection because its peer does not answer elsewhere; the next call opens a new one. */
  reset(reason: string): void {
    for (const line of [...this.#parting]) this.#lose(line, reason);
    if (this.#line) this.#lose(this.#line, reason);
  }

  close(): void {
    this.#closed = true;
    this.reset("the gateway no longer uses this server");
  }

  #transmit(line: Line, id: number, head: TrunkHead, body: string): void {
    const call = this.#calls.get(id);
    // Taken back while the line was opened.
    if (call === undefined) return;
    // Lost, or parted with, as soon as it was there.
    if (this.#line !== line && !this.#parting.has(line)) {
      this.#fail(id, "unavailable", line.ended ?? "its supervisor takes no more calls");
      return;
    }
    call.line = line;
    const waiting = line.socket.writableLength + line.writer.pendingLength;
    if (waiting > MAX_WAITING_BYTES) this.#fail(id, "unavailable", "its supervisor does not read");
    else line.writer.push(encodeCall(id, head, body));
  }

  #fail(id: number, kind: "unavailable" | "lost", reason: string): void {
    this.#take(id)?.handlers.failed(new Fault(kind, `${this.#options.name} cannot be reached: ${reason}`));
  }

  /** The call, which is over; with the last one a parting line ends. */
  #take(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call?.line && this.#parting.has(call.line)) this.#endIfDone(call.line);
    return call;
  }

  #endIfDone(line: Line): void {
    for (const call of this.#calls.values()) if (call.line === line) return;
    this.#parting.delete(line);
    line.socket.destroy();
  }

  /** Single-flight. */
  #open(): Promise<Line> {
    this.#opening ??= this.#connect().then(
      (line) => {
        this.#opening = undefined;
        return line;
      },
      (error: unknown) => {
        this.#opening = undefined;
        if (!this.#closed) this.#options.lost(error instanceof Error ? error.message : String(error));
        throw error;
      },
    );
    return this.#opening;
  }

  #connect(): Promise<Line> {
    const { url, connectTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const sent = request(new URL(TRUNK_PATH, url), {
        headers: { connection: "Upgrade", upgrade: TRUNK_PROTOCOL },
        agent: false,
        lookup,
        timeout: connectTimeoutMs,
      });
      sent.on("upgrade", (_response, socket: Socket, head: Buffer) => {
        if (this.#closed) {
          socket.destroy();
          reject(new Error("the gateway no longer uses this server"));
          return;
        }
        resolve(this.#use(socket, head));
      });
      sent.on("response", (response) => {
        response.resume();
        reject(new Error(`HTTP ${response.statusCode ?? "without a status"} instead of a trunk`));
      });
      sent.on("timeout", () => sent.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)));
      sent.on("error", reject);
      sent.end();
    });
  }

  #use(socket: Socket, head: Buffer): Line {
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    const line: Line = { socket, writer: new BatchedWriter((text) => socket.write(text)) };
    this.#line = line;
    const lost = (reason: string): void => this.#lose(line, reason);
    const framer = new LineFramer(MAX_LINE_BYTES, {
      line: (text) => {
        let reply: TrunkReply;
        try {
          reply = decodeReply(text);
        } catch (error) {
          lost(error instanceof Error ? error.message : String(error));
          return;
        }
        this.#reply(line, reply);
      },
      oversize: () => lost("a frame that is too large"),
    });
    socket.on("data", (chunk: Buffer) => framer.push(chunk));
    socket.on("error", (error) => lost(error.message));
    socket.on("close", () => lost("the connection was closed"));
    if (head.length > 0) framer.push(head);
    return line;
  }

  #reply(line: Line, reply: TrunkReply): void {
    if (reply.kind === "pause") {
      this.#part(line);
      this.#options.paused();
      return;
    }
    const handlers = this.#calls.get(reply.id)?.handlers;
    if (handlers === undefined) return;
    if (reply.kind === "begin") handlers.begin(reply.status, reply.headers);
    else if (reply.kind === "piece") handlers.piece(reply.text);
    else {
      this.#take(reply.id);
      if (reply.kind === "whole") handlers.whole(reply.status, reply.headers, reply.text);
      else if (reply.kind === "end") handlers.end();
      else handlers.failed(new Fault("upstream", `${this.#options.name} cut the answer off`));
    }
  }

  #part(line: Line): void {
    if (this.#line !== line) return;
    this.#line = undefined;
    this.#parting.add(line);
    this.#endIfDone(line);
  }

  /** Does nothing for a line that was lost or done with before. */
  #lose(line: Line, reason: string): void {
    const wasCurrent = this.#line === line;
    if (!wasCurrent && !this.#parting.has(line)) return;
    if (wasCurrent) this.#line = undefined;
    this.#parting.delete(line);
    line.ended = reason;
    line.socket.destroy();
    for (const [id, call] of [...this.#calls]) if (call.line === line) this.#fail(id, "lost", reason);
    if (wasCurrent && !this.#closed) this.#options.lost(reason);
  }
}
