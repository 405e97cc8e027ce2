import { isDeepStrictEqual } from "node:util";
import type { GatewayContract, Upstream as UpstreamContract } from "../contract/index.ts";
import type { Logger } from "../wire/log.ts";
import { AggregateEndpoint } from "./aggregateEndpoint.ts";
import { MAX_CALL_BYTES } from "../wire/trunkFrames.ts";
import { readAuth, type BearerAuth } from "./auth.ts";
import { Catalogue } from "./catalogue.ts";
import { GatewayMetrics } from "./metrics.ts";
import { GATEWAY_CLIENT, Upstream } from "./upstream.ts";
import { UpstreamLink } from "./upstreamLink.ts";
import { countStates } from "./upstreamState.ts";

const HOUSEKEEPING_MS = 15_000;
const SESSION_IDLE_MS = 900_000;

export interface GatewayOptions {
  readonly contract: GatewayContract;
  readonly secretsDir: string;
  readonly log: Logger;
  /** Takes the line of each call. @default log */
  readonly audit?: Logger;
}

/** The servers of an estate behind one address: their states, the links to them, and who may call. */
export class Gateway {
  readonly log: Logger;
  readonly audit: Logger;
  readonly metrics: GatewayMetrics;
  readonly aggregate: AggregateEndpoint;
  readonly #secretsDir: string;
  readonly #upstreams = new Map<string, Upstream>();
  readonly #links = new Map<Upstream, UpstreamLink>();
  #contract: GatewayContract;
  #auth: BearerAuth;
  #housekeeping: NodeJS.Timeout | undefined;

  /** Throws ContractError when the token cannot be read. */
  constructor({ contract, secretsDir, log, audit = log }: GatewayOptions) {
    this.log = log;
    this.audit = audit;
    this.#contract = contract;
    this.#secretsDir = secretsDir;
    this.#auth = readAuth(secretsDir, contract.tokenFile);
    this.metrics = new GatewayMetrics(() => this.upstreams);
    this.aggregate = new AggregateEndpoint({
      estate: contract.estate,
      catalogue: new Catalogue(() => this.upstreams),
      upstream: (name) => this.#upstreams.get(name),
      names: () => this.names,
      common: (upstream) => this.link(upstream),
      maxBodyBytes: MAX_CALL_BYTES,
      timeoutMs: () => this.timeoutMs,
    });
  }

  get upstreams(): readonly Upstream[] {
    return [...this.#upstreams.values()];
  }

  get names(): readonly string[] {
    return [...this.#upstreams.keys()];
  }

  get auth(): BearerAuth {
    return this.#auth;
  }

  get timeoutMs(): number {
    return this.#contract.callTimeoutSeconds * 1000;
  }

  get hostRules() {
    return { hosts: this.#contract.allowedHosts ?? [], origins: this.#contract.allowedOrigins ?? [] };
  }

  upstream(name: string): Upstream | undefined {
    return this.#upstreams.get(name);
  }

  /** The gateway's own session with a server, for callers that have none. */
  link(upstream: Upstream): UpstreamLink {
    const known = this.#links.get(upstream);
    if (known !== undefined) return known;
    const link = new UpstreamLink(upstream, GATEWAY_CLIENT);
    this.#links.set(upstream, link);
    return link;
  }

  start(): void {
    for (const contract of this.#contract.servers) this.#add(contract);
    this.#housekeeping = setInterval(() => {
      this.aggregate.sessions.sweep(SESSION_IDLE_MS);
      for (const session of this.aggregate.sessions.all()) session.keepAlive();
    }, HOUSEKEEPING_MS);
  }

  /** Takes a new contract and token; servers that did not change keep their connections. Throws ContractError. */
  async reload(contract: GatewayContract): Promise<void> {
    this.#auth = readAuth(this.#secretsDir, contract.tokenFile);
    const before = this.#contract;
    this.#contract = contract;
    const sameBounds =
      before.healthIntervalSeconds === contract.healthIntervalSeconds &&
      before.maxConcurrentCalls === contract.maxConcurrentCalls &&
      before.maxQueuedCalls === contract.maxQueuedCalls;
    for (const upstream of this.upstreams) {
      const wanted = contract.servers.find(({ name }) => name === upstream.name);
      if (!sameBounds || !isDeepStrictEqual(wanted, upstream.contract)) await this.#remove(upstream);
    }
    const added = contract.servers.filter(({ name }) => !this.#upstreams.has(name));
    for (const server of added) this.#add(server);
    this.log.info({ event: "contract-reloaded", servers: this.names });
    this.#listsChanged();
  }

  async stop(): Promise<void> {
    clearInterval(this.#housekeeping);
    this.aggregate.sessions.clear();
    for (const upstream of this.upstreams) await this.#remove(upstream);
  }

  /** R-GW-07: every declared server, whatever its state. */
  servers(): object {
    const now = Date.now();
    const servers = this.upstreams.map(({ contract, state }) => ({
      name: contract.name,
      state: state.state,
      transport: contract.transport,
      version: contract.serverVersion,
      sharing: contract.sharing,
      tools: state.tools,
      reason: state.reason,
      ageSeconds: state.ageSeconds === null ? null : Math.round(state.ageSeconds + (now - state.at) / 1000),
    }));
    return { servers };
  }

  /** R-GW-08: counts from probes. */
  counts(): Readonly<Record<string, number>> {
    return countStates(this.upstreams.map((upstream) => upstream.state));
  }

  status(): object {
    const { estate, stack } = this.#contract;
    const states = Object.fromEntries(this.upstreams.map(({ name, state }) => [name, state.state]));
    return { estate, stack, ...this.counts(), servers: states };
  }

  #add(contract: UpstreamContract): void {
    const upstream = new Upstream({
      contract,
      log: this.log,
      probeIntervalMs: this.#contract.healthIntervalSeconds * 1000,
      maxConcurrent: this.#contract.maxConcurrentCalls ?? 64,
      maxQueued: this.#contract.maxQueuedCalls ?? 256,
      changed: () => this.#listsChanged(),
    });
    this.#upstreams.set(contract.name, upstream);
    upstream.watch();
  }

  async #remove(upstream: Upstream): Promise<void> {
    this.#upstreams.delete(upstream.name);
    this.#links.delete(upstream);
    await upstream.close();
  }

  #listsChanged(): void {
    for (const session of this.aggregate.sessions.all()) session.listsChanged();
  }
}
