import { Pool, type Dispatcher } from "undici";
import type { Upstream as UpstreamContract } from "../contract/index.ts";
import { isRecord, notificationText, requestText } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import type { Logger } from "../wire/log.ts";
import { LATEST_REVISION } from "../wire/revisions.ts";
import { Breaker } from "./breaker.ts";
import { lookup } from "./lookup.ts";
import { Semaphore } from "./semaphore.ts";
import { Trunk } from "./trunk.ts";
import { isRoutable, readinessSchema, UNKNOWN_STATE, type UpstreamState } from "./upstreamState.ts";

/** Connecting to a container of the same host takes under a millisecond. */
const CONNECT_TIMEOUT_MS = 2000;
/** Timeouts in a row after which a silent supervisor counts as down; one may be chance. */
const SILENT_PROBES = 2;

export interface UpstreamOptions {
  readonly contract: UpstreamContract;
  readonly log: Logger;
  readonly probeIntervalMs: number;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  /** The state or the tools have changed. */
  readonly changed: (upstream: Upstream) => void;
}

export interface UpstreamRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Aborts the request; its reason should be a Fault. */
  readonly signal?: AbortSignal;
}

/** What a client tells about itself; decides what an isolated server may ask it. */
export interface ClientParams {
  readonly capabilities: object;
  readonly clientInfo: object;
}

export const GATEWAY_CLIENT: ClientParams = {
  capabilities: {},
  clientInfo: { name: "mcp-estate-gateway", version: "1" },
};

/** One supervisor as the gateway uses it: its state, its connections, the limit on calls. */
export class Upstream {
  readonly contract: UpstreamContract;
  readonly places: Semaphore;
  readonly breaker = new Breaker();
  /** Carries the calls; the pool below is for everything else. */
  readonly trunk: Trunk;
  readonly #options: UpstreamOptions;
  readonly #pool: Pool;
  #state: UpstreamState = UNKNOWN_STATE;
  #timer: NodeJS.Timeout | undefined;
  #silent = 0;
  #closed = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.contract = options.contract;
    this.places = new Semaphore(this.name, options.maxConcurrent, options.maxQueued);
    this.trunk = new Trunk({
      name: this.name,
      url: options.contract.url,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      lost: (reason) => this.#lost(reason),
    });
    // bodyTimeout 0: a GET stream may be silent for hours; calls have their own deadline
    this.#pool = new Pool(new URL(options.contract.url).origin, {
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup },
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 30_000,
    });
  }

  get name(): string {
    return this.contract.name;
  }

  get state(): UpstreamState {
    return this.#state;
  }

  /** Probes now and then every interval, each server on its own: a sick one holds up nobody. */
  watch(): void {
    void this.#probe();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.trunk.close();
    await this.#pool.destroy();
  }

  /** Throws Fault "unavailable" (503) that names the server and says why. */
  requireRoutable(): void {
    if (this.breaker.open)
      throw new Fault("unavailable", `${this.name}: its calls failed repeatedly; waiting for a good probe`);
    if (isRoutable(this.#state)) return;
    throw new Fault(
      "unavailable",
      `${this.name} has no healthy instance: ${this.#state.state}, ${this.#state.reason ?? "no reason given"}`,
    );
  }

  /** One HTTP request. Rejects with a Fault; a connection that fails marks the server as down at once. */
  async send(request: UpstreamRequest): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#pool.request({
        method: request.method,
        path: request.path,
        headers: { ...request.headers },
        body: request.body ?? null,
        signal: request.signal ?? null,
      });
    } catch (error) {
      if (request.signal?.aborted === true && request.signal.reason instanceof Fault) throw request.signal.reason;
      const reason = error instanceof Error ? error.message || error.name : String(error);
      if (!this.#closed) this.#down(reason);
      throw new Fault("unavailable", `${this.name} cannot be reached: ${reason}`);
    }
  }

  /** A new MCP session; resolves to its id. Rejects with a Fault. */
  async openSession(client: ClientParams, signal: AbortSignal): Promise<string> {
    const params = { protocolVersion: LATEST_REVISION, ...client };
    const opened = await this.send({
      method: "POST",
      path: "/mcp",
      headers: MCP_HEADERS,
      body: requestText(0, "initialize", params),
      signal,
    });
    const text = await opened.body.text();
    const session = opened.headers["mcp-session-id"];
    if (opened.statusCode !== 200 || typeof session !== "string") {
      const kind = opened.statusCode === 503 ? "unavailable" : "upstream";
      throw new Fault(kind, `${this.name}: no session: ${rpcMessage(text) ?? `HTTP ${opened.statusCode}`}`);
    }
    const greeted = await this.send({
      method: "POST",
      path: "/mcp",
      headers: { ...MCP_HEADERS, "mcp-session-id": session },
      body: notificationText("notifications/initialized"),
      signal,
    });
    await greeted.body.dump();
    return session;
  }

  async #probe(): Promise<void> {
    const { probeIntervalMs } = this.#options;
    const timeoutMs = Math.min(CONNECT_TIMEOUT_MS, probeIntervalMs);
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Fault("timeout", `no answer within ${timeoutMs} ms`)), timeoutMs);
    try {
      const answer = await this.send({ method: "GET", path: "/ready", signal: abort.signal });
      const readiness = readinessSchema.parse(await answer.body.json());
      this.#silent = 0;
      this.#set({ ...readiness, reachable: true, at: Date.now() });
      if (isRoutable(this.#state)) this.breaker.probed(Date.now());
    } catch (error) {
      this.#silent += 1;
      const connectionFailed = error instanceof Fault && error.kind === "unavailable";
      if (!connectionFailed && this.#silent >= SILENT_PROBES)
        this.#down(error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
      if (!this.#closed) this.#timer = setTimeout(() => void this.#probe(), probeIntervalMs);
    }
  }

  /** What a lost connection means only a probe can say; what cannot be probed is down. */
  #lost(reason: string): void {
    if (!this.#closed) this.#down(reason);
  }

  #down(reason: string): void {
    this.trunk.reset(reason);
    this.#set({
      ...this.#state,
      state: "unhealthy",
      tools: [],
      toolsVersion: "",
      reason: `its supervisor does not answer: ${reason}`,
      reachable: false,
      at: Date.now(),
    });
  }

  #set(state: UpstreamState): void {
    const before = this.#state;
    this.#state = state;
    if (before.state === state.state && before.toolsVersion === state.toolsVersion) return;
    this.#options.log.info({
      event: "server-state",
      server: this.name,
      from: before.state,
      to: state.state,
      reason: state.reason,
    });
    this.#options.changed(this);
  }
}

/** What every MCP POST to a supervisor carries. */
export const MCP_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": LATEST_REVISION,
} as const;

/** The message of a JSON-RPC error, where the text is one. */
export function rpcMessage(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const error = isRecord(body) ? body["error"] : undefined;
    return isRecord(error) && typeof error["message"] === "string" ? error["message"] : undefined;
  } catch {
    return undefined;
  }
}
