import { setTimeout as sleep } from "node:timers/promises";
import { notificationText } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import type { StoredSession } from "../wire/sessionStore.ts";
import { SseStream } from "../wire/sse.ts";
import type { CommonLinks } from "./commonLinks.ts";
import type { RoutedServer } from "./routedServer.ts";
import type { Upstream } from "./upstream.ts";
import { UpstreamLink } from "./upstreamLink.ts";
import type { ClientParams } from "./upstreamSession.ts";
import type { VisibleServers } from "./visibleServers.ts";

/** Before a stream that ended is opened again. */
const LISTEN_AGAIN_MS = 1000;

/** A request that a server is working on for this session. */
export interface RunningCall {
  readonly link: UpstreamLink;
  /** Its id on the link. */
  readonly upstreamId: string;
  cancel(reason: string): void;
}

export interface AggregateSessionOptions {
  readonly id: string;
  readonly revision: string;
  readonly principal: string;
  /** What it may see. */
  readonly servers: VisibleServers;
  readonly client: ClientParams;
  readonly links: CommonLinks;
  /** A server has said something of its own accord. */
  readonly received: (session: AggregateSession, server: RoutedServer, text: string) => void;
}

/**
 * One client's session on `/mcp`. It has sessions of its own with isolated servers, and with shared ones as soon as it
 * asks for something of its own there: a log level, a subscription. For all else the gateway's common ones do.
 */
export class AggregateSession implements StoredSession {
  readonly id: string;
  readonly revision: string;
  readonly principal: string;
  readonly servers: VisibleServers;
  readonly calls = new Map<string, RunningCall>();
  readonly #options: AggregateSessionOptions;
  readonly #own = new Map<RoutedServer, UpstreamLink>();
  readonly #subscriptions = new Map<RoutedServer, Set<string>>();
  readonly #listening = new Set<RoutedServer>();
  readonly #ended = new AbortController();
  #level: string | undefined;
  #standing: SseStream | undefined;
  #nextStream = 1;
  lastUsedAt = Date.now();

  constructor(options: AggregateSessionOptions) {
    this.#options = options;
    this.id = options.id;
    this.revision = options.revision;
    this.principal = options.principal;
    this.servers = options.servers;
  }

  get busy(): boolean {
    return this.calls.size > 0 || this.#standing?.attached === true;
  }

  /** The instance that has this session's state where there is one. Throws Fault "unavailable". */
  choose(server: RoutedServer, avoided: ReadonlySet<Upstream>, tool?: string): Upstream {
    const own = this.#own.get(server)?.upstream;
    return own?.routable === true && !avoided.has(own) ? own : server.pick({ avoided, tool });
  }

  link(server: RoutedServer, upstream: Upstream): UpstreamLink {
    const known = this.#own.get(server);
    if (known === undefined && server.contract.sharing === "shared" && !this.#wishes(server))
      return this.#options.links.of(server, upstream, this.principal);
    if (known?.upstream === upstream) return known;
    known?.close();
    const { client, principal } = this.#options;
    const link = new UpstreamLink(upstream, client, { principal, common: false }, () => this.#requests(server));
    this.#own.set(server, link);
    if (this.#wishes(server)) void this.#listen(server);
    return link;
  }

  /** The session of its own that it has with a server: only those may be answered to. */
  ownLink(server: RoutedServer): UpstreamLink | undefined {
    return this.#own.get(server);
  }

  subscribe(server: RoutedServer, uri: string): void {
    const uris = this.#subscriptions.get(server) ?? new Set();
    this.#subscriptions.set(server, uris.add(uri));
    if (this.#own.has(server)) void this.#listen(server);
  }

  unsubscribe(server: RoutedServer, uri: string): void {
    this.#subscriptions.get(server)?.delete(uri);
  }

  /** From now on the log of the servers that this session uses, from this level on. */
  setLevel(level: string): void {
    this.#level = level;
    for (const [server, link] of this.#own) {
      link.repeatRequests();
      void this.#listen(server);
    }
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

  /** To the standing stream, where the client has opened one. */
  push(text: string): void {
    this.#standing?.send(text);
  }

  /** The client opens it again, with whoever answers then. */
  endStanding(): void {
    this.#standing?.end();
  }

  keepAlive(): void {
    this.#standing?.keepAlive();
  }

  /** What the servers offer has changed. */
  listsChanged(): void {
    for (const kind of ["tools", "prompts", "resources"])
      this.push(notificationText(`notifications/${kind}/list_changed`));
  }

  close(): void {
    // a reason that is a Fault: an abort that is none would pass for a broken connection
    this.#ended.abort(new Fault("cancelled", "the session was closed"));
    for (const call of this.calls.values()) call.cancel("the session was closed");
    this.#standing?.end();
    for (const link of this.#own.values()) link.close();
    this.#own.clear();
  }

  /** Has the client asked for something that only a session of its own can have, and may have? */
  #wishes(server: RoutedServer): boolean {
    if (!this.servers.isWhole(server)) return false;
    return this.#level !== undefined || (this.#subscriptions.get(server)?.size ?? 0) > 0;
  }

  /** What a new session with the server must be told, by the capability that it takes. */
  #requests(server: RoutedServer) {
    if (!this.servers.isWhole(server)) return [];
    const uris = [...(this.#subscriptions.get(server) ?? [])];
    return [
      ...(this.#level === undefined
        ? []
        : [{ capability: "logging", method: "logging/setLevel", params: { level: this.#level } }]),
      ...uris.map((uri) => ({ capability: "resources", method: "resources/subscribe", params: { uri } })),
    ];
  }

  /** Hears what the server says of its own accord, for as long as the session lives; one stream per server. */
  async #listen(server: RoutedServer): Promise<void> {
    if (this.#listening.has(server)) return;
    this.#listening.add(server);
    const { signal } = this.#ended;
    while (!signal.aborted && this.#wishes(server)) {
      try {
        const link = this.link(server, this.choose(server, new Set()));
        await link.listen((text) => this.#options.received(this, server, text), signal);
      } catch {
        // it is opened again below, on another instance if need be
      }
      await sleep(LISTEN_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
    this.#listening.delete(server);
  }
}
