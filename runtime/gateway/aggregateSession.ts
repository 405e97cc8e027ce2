import { notificationText } from "../wire/envelope.ts";
import { newSessionId, type StoredSession } from "../wire/sessionStore.ts";
import { SseStream } from "../wire/sse.ts";
import type { ClientParams, Upstream } from "./upstream.ts";
import { UpstreamLink } from "./upstreamLink.ts";

/** A request that a server is working on for this session. */
export interface RunningCall {
  readonly link: UpstreamLink;
  /** Its id on the link. */
  readonly upstreamId: number;
  cancel(reason: string): void;
}

/** One client's session on `/mcp`: its own links to isolated servers, the gateway's common ones to shared servers. */
export class AggregateSession implements StoredSession {
  readonly id = newSessionId();
  readonly revision: string;
  readonly calls = new Map<string, RunningCall>();
  readonly #client: ClientParams;
  readonly #common: (upstream: Upstream) => UpstreamLink;
  readonly #own = new Map<Upstream, UpstreamLink>();
  #standing: SseStream | undefined;
  #nextStream = 1;
  lastUsedAt = Date.now();

  constructor(revision: string, client: ClientParams, common: (upstream: Upstream) => UpstreamLink) {
    this.revision = revision;
    this.#client = client;
    this.#common = common;
  }

  get busy(): boolean {
    return this.calls.size > 0 || this.#standing?.attached === true;
  }

  link(upstream: Upstream): UpstreamLink {
    if (upstream.contract.sharing === "shared") return this.#common(upstream);
    const known = this.#own.get(upstream);
    if (known !== undefined) return known;
    const link = new UpstreamLink(upstream, this.#client);
    this.#own.set(upstream, link);
    return link;
  }

  /** The link of this session to an isolated server, if it has one: only those may be answered to. */
  ownLink(name: string): UpstreamLink | undefined {
    return [...this.#own.values()].find((link) => link.upstream.name === name);
  }

  openStanding(): SseStream {
    this.#standing?.end();
    this.#standing = new SseStream(this.#nextStream.toString(36));
    this.#nextStream += 1;
    return this.#standing;
  }

  /** The standing stream when the event id is of it. */
  standing(id: string): SseStream | undefined {
    return this.#standing?.id === id ? this.#standing : undefined;
  }

  keepAlive(): void {
    this.#standing?.keepAlive();
  }

  /** What the servers offer has changed. */
  listsChanged(): void {
    for (const kind of ["tools", "prompts", "resources"])
      this.#standing?.send(notificationText(`notifications/${kind}/list_changed`));
  }

  close(): void {
    for (const call of this.calls.values()) call.cancel("the session was closed");
    this.#standing?.end();
    for (const link of this.#own.values()) link.close();
    this.#own.clear();
  }
}
