import { randomBytes } from "node:crypto";
import { Fault } from "./faults.ts";

/** What a store needs to know about a session. */
export interface StoredSession {
  readonly id: string;
  /** Whose it is; undefined where callers are not told apart. */
  readonly principal: string | undefined;
  /** In ms. */
  lastUsedAt: number;
  /** Is anybody connected or waiting? */
  readonly busy: boolean;
  close(): void;
}

/** 192 random bits, only visible characters, as the protocol asks. */
export function newSessionId(): string {
  return randomBytes(24).toString("base64url");
}

/** Sessions of one endpoint, bounded; the longest idle one gives way (R-TRN-09). */
export class SessionStore<S extends StoredSession> {
  readonly #sessions = new Map<string, S>();
  readonly #closed: (session: S) => void;

  constructor(closed: (session: S) => void) {
    this.#closed = closed;
  }

  get size(): number {
    return this.#sessions.size;
  }

  all(): Iterable<S> {
    return this.#sessions.values();
  }

  /** Throws Fault "overloaded" when every session is in use. */
  add(session: S, maxSessions: number): void {
    if (this.#sessions.size >= maxSessions) {
      const idle = [...this.#sessions.values()].find((candidate) => !candidate.busy);
      if (idle === undefined) throw new Fault("overloaded", `${maxSessions} sessions are open and in use`);
      this.remove(idle);
    }
    this.#sessions.set(session.id, session);
  }

  knows(id: string): boolean {
    return this.#sessions.has(id);
  }

  has(session: S): boolean {
    return this.#sessions.get(session.id) === session;
  }

  /**
   * The session, moved to the young end. Throws Fault: 400 without an id, 404 for one that is not known (any more) or
   * belongs to another principal.
   */
  use(id: string | undefined, principal: string | undefined): S {
    if (id === undefined) throw new Fault("bad-request", "the header Mcp-Session-Id is missing");
    const session = this.#sessions.get(id);
    if (session === undefined || session.principal !== principal)
      throw new Fault("not-found", "this session is not known (any more): initialize again");
    session.lastUsedAt = Date.now();
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return session;
  }

  remove(session: S): void {
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
