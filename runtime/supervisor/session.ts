import { randomBytes } from "node:crypto";
import { Fault } from "../wire/faults.ts";
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
export class Session {
  readonly id = randomBytes(24).toString("base64url");
  readonly revision: string;
  readonly calls = new Map<string, ActiveCall>();
  readonly subscriptions = new Set<string>();
  readonly #streams = new Map<string, SseStream>();
  /** The stream of a GET, for what belongs to no request. */
  #standing: SseStream | undefined;
  #nextStream = 1;
  logLevel: string | undefined;
  lastUsedAt = Date.now();

  constructor(revision: string) {
    this.revision = revision;
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

/** All sessions of this server, bounded; the longest idle one gives way (R-TRN-09). */
export class SessionStore {
  readonly #sessions = new Map<string, Session>();
  readonly #closed: (session: Session) => void;

  constructor(closed: (session: Session) => void) {
    this.#closed = closed;
  }

  get size(): number {
    return this.#sessions.size;
  }

  all(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** Throws Fault "overloaded" when every session is in use. */
  add(session: Session, maxSessions: number): void {
    if (this.#sessions.size >= maxSessions) {
      const idle = [...this.#sessions.values()].find((candidate) => !candidate.busy);
      if (idle === undefined) throw new Fault("overloaded", `${maxSessions} sessions are open and in use`);
      this.remove(idle);
    }
    this.#sessions.set(session.id, session);
  }

  /** The session, moved to the young end. Throws Fault: 400 without an id, 404 for one that is not known (any more). */
  use(id: string | undefined): Session {
    if (id === undefined) throw new Fault("bad-request", "the header Mcp-Session-Id is missing");
    const session = this.#sessions.get(id);
    if (session === undefined) throw new Fault("not-found", "this session is not known (any more): initialize again");
    session.lastUsedAt = Date.now();
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return session;
  }

  remove(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    session.close();
    this.#closed(session);
  }

  /** Closes what was not used for `idleMs`. */
  sweep(idleMs: number, now = Date.now()): void {
    for (const session of [...this.#sessions.values()]) {
      if (!session.busy && now - session.lastUsedAt > idleMs) this.remove(session);
    }
  }

  clear(): void {
    for (const session of [...this.#sessions.values()]) this.remove(session);
  }
}
