import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { GatewayContract, GatewayServer, Instance } from "../contract/index.ts";
import type { Logger } from "../wire/log.ts";
import { MAX_CALL_BYTES } from "../wire/trunkFrames.ts";
import { AggregateEndpoint } from "./aggregateEndpoint.ts";
import { Callers } from "./callers.ts";
import { Catalogue } from "./catalogue.ts";
import { clientAddressReader, type ClientAddress } from "./clientAddress.ts";
import { CommonLinks } from "./commonLinks.ts";
import { GatewayMetrics } from "./metrics.ts";
import { OpenStreams } from "./openStreams.ts";
import { RoutedServer } from "./routedServer.ts";
import { readSeal } from "./sessionSeal.ts";
import type { Succession } from "./succession.ts";
import { Tracing } from "./tracing.ts";
import { Upstream, type UpstreamBounds } from "./upstream.ts";
import { countStates, proofAge, type CountedState } from "./upstreamState.ts";
import type { VisibleServers } from "./visibleServers.ts";

const HOUSEKEEPING_MS = 15_000;
/** A token that has expired must have no effect within 5 s. */
const EXPIRY_MS = 1000;
/** A replacement takes seconds where a queued call takes milliseconds. */
const HELD_FACTOR = 4;
const SESSION_IDLE_MS = 900_000;
/** What was traced and cannot be told by then keeps nobody from ending. */
const LAST_SPANS_MS = 1000;

export interface GatewayOptions {
  readonly contract: GatewayContract;
  readonly secretsDir: string;
  readonly log: Logger;
  /** Takes the line of each call. @default log */
  readonly audit?: Logger;
  /** How long a supervisor that has never answered counts as starting. @default 30 s */
  readonly startMs?: number;
  /** The gateways before and after this one. @default it is the only one */
  readonly succession?: Succession;
}

/** The gateway's own state, in the words that a supervisor has for its server. */
export interface Readiness {
  readonly state: "healthy" | "starting" | "draining" | "superseded";
  readonly reason: string | null;
}

/** The servers of an estate behind one address: their states, the links to them, and who may call. */
export class Gateway {
  readonly log: Logger;
  readonly audit: Logger;
  readonly metrics: GatewayMetrics;
  readonly aggregate: AggregateEndpoint;
  readonly callers: Callers;
  readonly links = new CommonLinks();
  readonly streams = new OpenStreams();
  readonly succession: Succession | undefined;
  /** Absent where the contract wants no traces. */
  tracing: Tracing | undefined;
  readonly #servers = new Map<string, RoutedServer>();
  readonly #retiring = new Map<Upstream, Promise<void>>();
  readonly #startMs: number | undefined;
  #contract: GatewayContract;
  #clientAddress: ClientAddress;
  #begun = false;
  #draining = false;
  #housekeeping: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  /** Throws ContractError when a token cannot be read. */
  constructor(options: GatewayOptions) {
    const { contract, secretsDir, log, audit = log, startMs, succession } = options;
    this.#startMs = startMs;
    this.succession = succession;
    this.log = log;
    this.audit = audit;
    this.#contract = contract;
    this.callers = new Callers(secretsDir, contract, this.#servers);
    this.#clientAddress = clientAddressReader(contract.proxy?.subnet);
    this.metrics = new GatewayMetrics(() => this.servers);
    this.tracing = tracingOf(contract);
    this.aggregate = new AggregateEndpoint({
      estate: contract.estate,
      catalogue: new Catalogue(),
      links: this.links,
      seal: readSeal(secretsDir, contract.sessionKeyFile),
      maxBodyBytes: MAX_CALL_BYTES,
      timeoutMs: () => this.timeoutMs,
    });
  }

  get servers(): readonly RoutedServer[] {
    return [...this.#servers.values()];
  }

  get names(): readonly string[] {
    return [...this.#servers.keys()];
  }

  get timeoutMs(): number {
    return this.#contract.callTimeoutSeconds * 1000;
  }

  get hostRules() {
    return { hosts: this.#contract.allowedHosts ?? [], origins: this.#contract.allowedOrigins ?? [] };
  }

  server(name: string): RoutedServer | undefined {
    return this.#servers.get(name);
  }

  start(): void {
    this.succession?.watch();
    for (const contract of this.#contract.servers) this.#add(contract);
    this.#housekeeping = setInterval(() => {
      this.aggregate.sessions.sweep(SESSION_IDLE_MS);
      for (const session of this.aggregate.sessions.all()) session.keepAlive();
    }, HOUSEKEEPING_MS);
    this.#expiry = setInterval(() => this.#dropFormerCallers(), EXPIRY_MS);
  }

  /**
   * Takes a new contract and tokens. Instances that stay keep their connections; those that are gone get no more calls
   * and are closed when the ones in flight have ended. So it is with callers: who keeps its rights keeps its sessions, and
   * its streams as long as their token holds. Throws ContractError.
   */
  reload(contract: GatewayContract): void {
    this.callers.reload(contract);
    if (!isDeepStrictEqual(contract.traces, this.#contract.traces)) {
      void this.tracing?.stop().catch(() => undefined);
      this.tracing = tracingOf(contract);
    }
    this.#contract = contract;
    this.#clientAddress = clientAddressReader(contract.proxy?.subnet);
    for (const server of this.servers) {
      const wanted = contract.servers.find(({ name }) => name === server.name);
      if (wanted === undefined || wanted.sharing !== server.contract.sharing) this.#remove(server);
      else server.update(wanted);
    }
    for (const wanted of contract.servers) if (!this.#servers.has(wanted.name)) this.#add(wanted);
    for (const { upstreams } of this.servers) for (const upstream of upstreams) upstream.setBounds(this.#bounds);
    this.links.retain(this.callers.names);
    this.#dropFormerCallers();
    this.log.info({ event: "contract-reloaded", servers: this.names });
    this.#listsChanged();
  }

  /** Where a request comes from. */
  addressOf(request: IncomingMessage): string | undefined {
    return this.#clientAddress(request);
  }

  /** May new calls come? Not before every supervisor was asked once, and not when it is about to end. */
  readiness(): Readiness {
    if (this.#draining) return { state: "draining", reason: "it is being stopped" };
    const unasked = this.servers.filter(({ state }) => state.state === "starting").map(({ name }) => name);
    // A server that comes later is no reason to send everybody away.
    this.#begun ||= unasked.length === 0;
    if (!this.#begun) return { state: "starting", reason: `no word yet of ${unasked.join(", ")}` };
    if (this.succession?.isSuperseded === true)
      return { state: "superseded", reason: "a newer gateway takes the calls" };
    return { state: "healthy", reason: null };
  }

  /** For who has started it: it is there when the calls come to it, not when it could take them. */
  arrival(): Readiness {
    const readiness = this.readiness();
    if (readiness.state !== "healthy" || this.succession?.isSettled !== false) return readiness;
    return { state: "starting", reason: "an older gateway still takes calls" };
  }

  /** From now on `/ready` says no; whoever calls all the same is served. */
  drain(): void {
    this.#draining = true;
  }

  /** Standing streams have no end of their own; clients open them again, with whoever answers then. */
  endStreams(): void {
    for (const session of this.aggregate.sessions.all()) session.endStanding();
    this.streams.end();
  }

  async stop(): Promise<void> {
    this.succession?.stop();
    clearInterval(this.#housekeeping);
    clearInterval(this.#expiry);
    this.aggregate.sessions.clear();
    for (const server of this.servers) server.retireAll();
    this.#servers.clear();
    await Promise.race([this.tracing?.stop().catch(() => undefined), sleep(LAST_SPANS_MS, undefined, { ref: false })]);
    await Promise.all([...this.#retiring.keys()].map((upstream) => upstream.close()));
  }

  /** R-GW-07: every declared server that the caller sees, whatever its state, with its instances. */
  describe(visible: VisibleServers): object {
    const now = Date.now();
    const servers = visible.list().map(({ server, scope }) => ({
      name: server.contract.name,
      state: server.state.state,
      transport: server.contract.transport,
      version: server.contract.serverVersion,
      sharing: server.contract.sharing,
      provedBy: server.contract.listsOnly === true ? "list" : "call",
      tools: server.state.tools.filter(scope.allows),
      repeatableTools: (server.contract.repeatableTools ?? []).filter(scope.allows),
      reason: server.state.reason,
      ageSeconds: proofAge(server.state, now),
      instances: server.upstreams.map((upstream) => ({
        name: upstream.name,
        state: upstream.state.state,
        reason: upstream.state.reason,
        ageSeconds: proofAge(upstream.state, now),
        gpu: server.gpuOf(upstream.name),
      })),
    }));
    return { servers };
  }

  /** R-GW-08: counts from probes, of all servers. */
  counts(): Readonly<Record<string, number>> {
    return countStates(this.servers.map(counted));
  }

  /** The same of those that the caller sees, with the state of each. */
  status(visible: VisibleServers): object {
    const { estate, stack } = this.#contract;
    const all = visible.list().map(({ server }) => server);
    const servers = Object.fromEntries(all.map(({ name, state }) => [name, state.state]));
    return { estate, stack, ...countStates(all.map(counted)), servers };
  }

  get #bounds(): UpstreamBounds {
    const { healthIntervalSeconds, maxConcurrentCalls = 64, maxQueuedCalls = 256 } = this.#contract;
    return {
      probeIntervalMs: healthIntervalSeconds * 1000,
      maxConcurrent: maxConcurrentCalls,
      maxQueued: maxQueuedCalls,
    };
  }

  #add(contract: GatewayServer): void {
    const connect = (instance: Instance): Upstream => this.#connect(instance);
    const retire = (upstream: Upstream): void => this.#retire(upstream);
    const maxHeld = (): number => HELD_FACTOR * this.#bounds.maxQueued;
    this.#servers.set(contract.name, new RoutedServer({ contract, connect, retire, maxHeld }));
  }

  #connect(instance: Instance): Upstream {
    const upstream = new Upstream({
      instance,
      log: this.log,
      bounds: this.#bounds,
      startMs: this.#startMs,
      changed: () => this.#listsChanged(),
    });
    upstream.watch();
    return upstream;
  }

  #remove(server: RoutedServer): void {
    this.#servers.delete(server.name);
    server.retireAll();
  }

  /** No call lives longer than the time for calls. */
  #retire(upstream: Upstream): void {
    this.links.drop(upstream);
    const retired = upstream.drain(this.timeoutMs).finally(() => {
      this.#retiring.delete(upstream);
      this.log.info({ event: "instance-retired", instance: upstream.name });
    });
    this.#retiring.set(upstream, retired);
  }

  /** Ends what stands open for callers who are no longer what they were. */
  #dropFormerCallers(): void {
    this.streams.retain((caller) => this.callers.holds(caller));
    for (const session of this.aggregate.sessions.all())
      if (!this.callers.sees(session.principal, session.servers)) this.aggregate.sessions.remove(session);
  }

  #listsChanged(): void {
    for (const session of this.aggregate.sessions.all()) session.listsChanged();
  }
}

function tracingOf({ traces, estate, stack }: GatewayContract): Tracing | undefined {
  return traces && new Tracing({ ...traces, estate, stack });
}

function counted({ state, contract }: RoutedServer): CountedState {
  return { state, listsOnly: contract.listsOnly === true };
}
