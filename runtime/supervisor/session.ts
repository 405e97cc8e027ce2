import { newSessionId, type StoredSession } from "../wire/sessionStore.ts";
import { SseStream } from "../wire/sse.ts";
import type { ForwardedCall } from "./rpcChannel.ts";

/** Streams of finished requests that are kept for a client that lost its connection. */
const KEPT_STREAMS = 8;

/** A request of the client that is being worked on. */
export interface ActiveCall {
  readonly call: ForwardedCall;
  /** Sends a message on this request's own stream; false when its client takes no stream. */
  readonly notify: (text: string) => boolean;
}

/** One MCP session of one client. */
export class Session implements StoredSession {
  readonly id = newSessionId();
  readonly revision: string;
  readonly principal: string | undefined;
  readonly calls = new Map<string, ActiveCall>();
  readonly subscriptions = new Set<string>();
  readonly #streams = new Map<string, SseStream>();
  /** The stream of a GET, for what belongs to no request. */
  #standing: SseStream | undefined;
  #nextStream = 1;
  /** The child's initialize result; undefined until it came. */
  greeting: Readonly<Record<string, unknown>> | undefined;
  logLevel: string | undefined;
  lastUsedAt = Date.now();

  constructor(revision: string, principal: string | undefined) {
    this.revision = revision;
    this.principal = principal;
  }

  get standing(): SseStream | undefined {
    return this.#standing;
  }

  openStanding(): SseStream {
    this.#standing?.end();
    this.#standing = this.#open();
    return this.#standing;
  }

  openStream(): SseStream {
    return this.#open();
  }

  stream(id: string): SseStream | undefined {
    return this.#streams.get(id);
  }

  /** Is anybody connected or waiting? */
  get busy(): boolean {
    return this.calls.size > 0 || this.#standing?.attached === true;
  }

  keepAlive(): void {
    for (const stream of this.#streams.values()) stream.keepAlive();
  }

  /** A message that belongs to no request: to the standing stream. False when there is none. */
  push(text: string): boolean {
    if (this.#standing === undefined) return false;
    this.#standing.send(text);
    return true;
  }

  /** A message of the session's own child: to the latest request that has a stream, else to the standing one. */
  deliver(text: string): boolean {
    for (const active of [...this.calls.values()].reverse()) if (active.notify(text)) return true;
    return this.#standing?.attached === true && this.push(text);
  }

  /** Cancels what runs and ends every stream. */
  close(): void {
    for (const { call } of this.calls.values()) call.cancel("the session was closed");
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
    this.#standing = undefined;
  }

  #open(): SseStream {
    const stream = new SseStream(this.#nextStream.toString(36));
    this.#nextStream += 1;
    this.#streams.set(stream.id, stream);
    const ended = [...this.#streams.values()].filter((candidate) => candidate.ended);
    for (const old of ended.slice(0, Math.max(0, ended.length - KEPT_STREAMS))) this.#streams.delete(old.id);
    return stream;
  }
}
