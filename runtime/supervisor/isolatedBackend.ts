import { errorText, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import type { Logger } from "../wire/log.ts";
import type { Backend } from "./backend.ts";
import { exitText, type LiveChild } from "./liveChild.ts";
import type { RpcChannel } from "./rpcChannel.ts";
import type { Session } from "./session.ts";
import type { SpawnLimiter } from "./spawnLimiter.ts";

export interface IsolatedOptions {
  readonly log: Logger;
  readonly limiter: SpawnLimiter;
  readonly maxChildren: () => number;
  readonly startTimeoutMs: () => number;
  readonly spawn: (unsolicited: (envelope: Envelope) => void) => LiveChild;
  /** Why no child may be started just now, or undefined. */
  readonly refusal: () => string | undefined;
  /** Ends a session whose child has ended: the client gets 404 and begins anew, as the protocol has it. */
  readonly drop: (session: Session) => void;
}

/** A session that was used within this time keeps its child even when the pool is full. */
const EVICT_IDLE_MS = 60_000;

/** One child per session from a bounded pool; its state is nobody else's (ContextForge #4205). */
export class IsolatedBackend implements Backend {
  readonly #options: IsolatedOptions;
  readonly #children = new Map<Session, LiveChild>();
  readonly #ending = new Set<Promise<unknown>>();

  constructor(options: IsolatedOptions) {
    this.#options = options;
  }

  /** Children that run or are being ended. */
  get size(): number {
    return this.#children.size + this.#ending.size;
  }

  get processes(): readonly LiveChild[] {
    return [...this.#children.values()];
  }

  async open(session: Session, params: object): Promise<Readonly<Record<string, unknown>>> {
    const { limiter, spawn, maxChildren, startTimeoutMs, refusal, drop, log } = this.#options;
    const refused = refusal();
    if (refused !== undefined) throw new Fault("unavailable", refused);
    if (this.size >= maxChildren()) this.#evict();
    if (this.size >= maxChildren()) {
      throw new Fault("overloaded", `all ${maxChildren()} children of this server are in use`);
    }
    const now = Date.now();
    if (limiter.waitMs(now) > 0) throw new Fault("overloaded", "too many children were started just now");
    limiter.record(now);
    const child = spawn((envelope) => this.#fromChild(session, child, envelope));
    this.#children.set(session, child);
    log.info({ event: "session-child-started", pid: child.pid, children: this.size });
    void child.exited.then((exit) => {
      if (this.#children.get(session) !== child) return;
      log.warn({ event: "session-child-ended", pid: child.pid, exit: exitText(exit), lastLines: child.lastLines });
      drop(session);
      this.closed(session);
    });
    try {
      await child.initialize(params, startTimeoutMs());
    } catch (error) {
      this.closed(session);
      throw error;
    }
    return child.initializeResult ?? {};
  }

  channel(session: Session): RpcChannel {
    const child = this.#children.get(session);
    if (child === undefined) throw new Fault("not-found", "this session has ended: initialize again");
    return child.channel;
  }

  answer(): undefined {
    return undefined;
  }

  /** `initialized` was already sent, right after the handshake. */
  notified(session: Session, notification: Envelope): void {
    if (notification.method !== "notifications/initialized") this.channel(session).send(notification.text);
  }

  answered(session: Session, response: Envelope): void {
    this.channel(session).send(response.text);
  }

  closed(session: Session): void {
    const child = this.#children.get(session);
    if (child === undefined) return;
    this.#children.delete(session);
    const ending = child.stop().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Ends every child and waits for them. */
  async stop(): Promise<void> {
    for (const session of [...this.#children.keys()]) this.closed(session);
    await Promise.all(this.#ending);
  }

  /** Clients seldom say goodbye: the session that was idle longest, and long enough, gives its place away. */
  #evict(): void {
    const idle = [...this.#children.keys()].filter(
      (session) => !session.busy && Date.now() - session.lastUsedAt > EVICT_IDLE_MS,
    );
    const oldest = idle.sort((a, b) => a.lastUsedAt - b.lastUsedAt)[0];
    if (oldest !== undefined) this.#options.drop(oldest);
  }

  #fromChild(session: Session, child: LiveChild, envelope: Envelope): void {
    if (session.deliver(envelope.text) || envelope.kind !== "request") return;
    const message = `${envelope.method} cannot be delivered: the client has no open stream`;
    child.channel.send(errorText(envelope.idText, { code: -32001, message }));
  }
}
