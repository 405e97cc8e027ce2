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

/** The connection to one supervisor that carries all calls to it; opened when first needed and again when it is lost. */
export class Trunk {
  readonly #options: TrunkOptions;
  readonly #calls = new Map<number, CallHandlers>();
  #socket: Socket | undefined;
  #opening: Promise<Socket> | undefined;
  #writer: BatchedWriter | undefined;
  #nextId = 1;
  #closed = false;

  constructor(options: TrunkOptions) {
    this.#options = options;
  }

  /** Sends one message; returns what takes it back when nobody waits for its answer any more. */
  call(head: TrunkHead, body: string, handlers: CallHandlers): () => void {
    const id = this.#nextId++;
    this.#calls.set(id, handlers);
    if (this.#socket !== undefined) this.#transmit(id, head, body);
    else {
      this.#open().then(
        () => this.#calls.has(id) && this.#transmit(id, head, body),
        (error: unknown) => this.#fail(id, "unavailable", error instanceof Error ? error.message : String(error)),
      );
    }
    return () => {
      if (this.#calls.delete(id)) this.#writer?.push(encodeGone(id));
    };
  }

  /** Opens the connection before a call needs it, so that the supervisor can say what it is about. */
  open(): void {
    if (this.#socket === undefined && !this.#closed) this.#open().catch(() => undefined);
  }

  /** Ends the connection because its peer does not answer elsewhere; the next call opens a new one. */
  reset(reason: string): void {
    this.#lose(reason);
  }

  close(): void {
    this.#closed = true;
    this.#lose("the gateway no longer uses this server");
  }

  #transmit(id: number, head: TrunkHead, body: string): void {
    const waiting = (this.#socket?.writableLength ?? 0) + (this.#writer?.pendingLength ?? 0);
    if (waiting > MAX_WAITING_BYTES) this.#fail(id, "unavailable", "its supervisor does not read");
    else this.#writer?.push(encodeCall(id, head, body));
  }

  #fail(id: number, kind: "unavailable" | "lost", reason: string): void {
    const handlers = this.#calls.get(id);
    this.#calls.delete(id);
    handlers?.failed(new Fault(kind, `${this.#options.name} cannot be reached: ${reason}`));
  }

  /** Single-flight. */
  #open(): Promise<Socket> {
    this.#opening ??= this.#connect().then(
      (socket) => {
        this.#opening = undefined;
        return socket;
      },
      (error: unknown) => {
        this.#opening = undefined;
        if (!this.#closed) this.#options.lost(error instanceof Error ? error.message : String(error));
        throw error;
      },
    );
    return this.#opening;
  }

  #connect(): Promise<Socket> {
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
        this.#use(socket, head);
        resolve(socket);
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

  #use(socket: Socket, head: Buffer): void {
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    this.#socket = socket;
    this.#writer = new BatchedWriter((text) => socket.write(text));
    const lost = (reason: string): void => {
      if (this.#socket === socket) this.#lose(reason);
    };
    const framer = new LineFramer(MAX_LINE_BYTES, {
      line: (text) => {
        let reply: TrunkReply;
        try {
          reply = decodeReply(text);
        } catch (error) {
          lost(error instanceof Error ? error.message : String(error));
          return;
        }
        this.#reply(reply);
      },
      oversize: () => lost("a frame that is too large"),
    });
    socket.on("data", (chunk: Buffer) => framer.push(chunk));
    socket.on("error", (error) => lost(error.message));
    socket.on("close", () => lost("the connection was closed"));
    if (head.length > 0) framer.push(head);
  }

  #reply(reply: TrunkReply): void {
    if (reply.kind === "pause") {
      this.#options.paused();
      return;
    }
    const handlers = this.#calls.get(reply.id);
    if (handlers === undefined) return;
    if (reply.kind === "begin") handlers.begin(reply.status, reply.headers);
    else if (reply.kind === "piece") handlers.piece(reply.text);
    else {
      this.#calls.delete(reply.id);
      if (reply.kind === "whole") handlers.whole(reply.status, reply.headers, reply.text);
      else if (reply.kind === "end") handlers.end();
      else handlers.failed(new Fault("upstream", `${this.#options.name} cut the answer off`));
    }
  }

  #lose(reason: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#writer = undefined;
    socket?.destroy();
    if (socket === undefined) return;
    for (const id of [...this.#calls.keys()]) this.#fail(id, "lost", reason);
    if (!this.#closed) this.#options.lost(reason);
  }
}
