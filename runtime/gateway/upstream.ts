import { Pool, type Dispatcher } from "undici";
import type { Instance } from "../contract/index.ts";
import { Fault } from "../wire/faults.ts";
import type { Logger } from "../wire/log.ts";
import { Breaker } from "./breaker.ts";
import { lookup } from "./lookup.ts";
import { Semaphore } from "./semaphore.ts";
import { Trunk } from "./trunk.ts";
import { isRoutable, readinessSchema, UNKNOWN_STATE, type UpstreamState } from "./upstreamState.ts";

/** Connecting to a container of the same host takes under a millisecond. */
const CONNECT_TIMEOUT_MS = 2000;
/** Timeouts in a row after which a silent supervisor counts as down; one may be chance. */
const SILENT_PROBES = 2;
/** How long one that is replaced or restarted on purpose counts as coming back: as long as a call may wait for it. */
const PAUSE_MS = 30_000;
/** How long one that has never answered counts as starting; the container's own probe gives it as long. */
const START_MS = 30_000;

/** What the contract lets a gateway ask of one instance. */
export interface UpstreamBounds {
  readonly probeIntervalMs: number;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
}

export interface UpstreamOptions {
  readonly instance: Instance;
  readonly log: Logger;
  readonly bounds: UpstreamBounds;
  /** @default 30 s */
  readonly startMs?: number | undefined;
  /** The state or the tools have changed. */
  readonly changed: () => void;
}

export interface UpstreamRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Aborts the request; its reason should be a Fault. */
  readonly signal?: AbortSignal;
}

/** One supervisor as the gateway uses it: its state, its connections, the limit on calls. */
export class Upstream {
  readonly name: string;
  readonly url: string;
  readonly places: Semaphore;
  readonly breaker = new Breaker();
  /** Carries the calls; the pool below is for everything else. */
  readonly trunk: Trunk;
  readonly #options: UpstreamOptions;
  readonly #pool: Pool;
  readonly #watchedSince = Date.now();
  #bounds: UpstreamBounds;
  #state: UpstreamState = UNKNOWN_STATE;
  #probing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #silent = 0;
  #answered = false;
  #pausedUntil = 0;
  #lastPause = 0;
  #draining = false;
  #closed = false;

  constructor(options: UpstreamOptions) {
    const { instance, bounds } = options;
    this.#options = options;
    this.#bounds = bounds;
    this.name = instance.name;
    this.url = instance.url;
    this.places = new Semaphore(this.name, bounds.maxConcurrent, bounds.maxQueued);
    this.trunk = new Trunk({
      name: this.name,
      url: this.url,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      lost: (reason) => this.#lost(reason),
      paused: () => this.#pause(),
    });
    // bodyTimeout 0: a GET stream may be silent for hours; calls have their own deadline
    this.#pool = new Pool(new URL(this.url).origin, {
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup },
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 30_000,
    });
  }

  get state(): UpstreamState {
    return this.#state;
  }

  /** May a call be sent there? */
  get routable(): boolean {
    return !this.#draining && !this.breaker.open && !this.#state.paused && isRoutable(this.#state);
  }

  /** It takes no more calls and is closed when those that run have ended. */
  get retiring(): boolean {
    return this.#draining;
  }

  /** It is gone on purpose and will be back, or another in its place: a call may wait for that. */
  get paused(): boolean {
    return !this.#draining && !this.routable && Date.now() < this.#pausedUntil;
  }

  /**
   * It said not long ago that it goes on purpose. Where old and new have one name, the new one may answer by now while the
   * old one still refuses what was on its way to it.
   */
  get pausedLately(): boolean {
    return Date.now() < this.#lastPause + PAUSE_MS;
  }

  /** Calls that are there or wait for it. */
  get outstanding(): number {
    return this.places.held + this.places.queued;
  }

  /** Why no call is sent there. */
  get reason(): string {
    if (this.#draining) return "it is being removed";
    if (this.breaker.open) return "its calls failed repeatedly; waiting for a good probe";
    return `${this.#state.state}, ${this.#state.reason ?? "no reason given"}`;
  }

  /** Probes now and then every interval, each instance on its own: a sick one holds up nobody. */
  watch(): void {
    void this.probe();
  }

  setBounds(bounds: UpstreamBounds): void {
    this.#bounds = bounds;
    this.places.resize(bounds.maxConcurrent, bounds.maxQueued);
  }

  /** Takes no more calls, waits for those that run, `boundMs` at most, and closes. */
  async drain(boundMs: number): Promise<void> {
    this.#draining = true;
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => (timer = setTimeout(resolve, boundMs)));
    await Promise.race([this.places.empty(), bound]);
    clearTimeout(timer);
    await this.close();
  }

  async close(): Promise<void> {
    this.#draining = true;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.trunk.close();
    await this.#pool.destroy();
  }

  /** One HTTP request. Rejects with a Fault; a connection that fails marks the instance as down at once. */
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

  /** Reads `/ready` now; whoever asks meanwhile shares the answer. */
  probe(): Promise<void> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
      clearTimeout(this.#timer);
      if (!this.#closed) this.#timer = setTimeout(() => void this.probe(), this.#bounds.probeIntervalMs);
    });
    return this.#probing;
  }

  async #probe(): Promise<void> {
    const timeoutMs = Math.min(CONNECT_TIMEOUT_MS, this.#bounds.probeIntervalMs);
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Fault("timeout", `no answer within ${timeoutMs} ms`)), timeoutMs);
    try {
      const answer = await this.send({ method: "GET", path: "/ready", signal: abort.signal });
      this.#answered = true;
      const readiness = readinessSchema.safeParse(await answer.body.json());
      if (!readiness.success) throw new Fault("upstream", "something else than a supervisor answers on /ready");
      this.#silent = 0;
      this.#set({ ...readiness.data, reachable: true, at: Date.now() });
      if (readiness.data.paused) this.#expectPause();
      else if (isRoutable(this.#state)) {
        this.#pausedUntil = 0;
        this.breaker.probed(Date.now());
      }
      this.trunk.open();
    } catch (error) {
      this.#silent += 1;
      const connectionFailed = error instanceof Fault && error.kind === "unavailable";
      if (!connectionFailed && this.#silent >= SILENT_PROBES)
        this.#down(error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  #expectPause(): void {
    this.#lastPause = Date.now();
    this.#pausedUntil = this.#lastPause + PAUSE_MS;
  }

  #pause(): void {
    this.#expectPause();
    this.#set({ ...this.#state, state: "starting", reason: "it is being replaced or restarted", paused: true });
  }

  /** What a lost connection means only a probe can say; what cannot be probed is down. */
  #lost(reason: string): void {
    if (!this.#closed) this.#down(reason);
  }

  /** One that has never answered has not failed: its container may still be on its way. */
  #down(reason: string): void {
    this.trunk.reset(reason);
    if (Date.now() < this.#pausedUntil) {
      this.#set({ ...this.#state, reachable: false, at: Date.now() });
      return;
    }
    const starting = !this.#answered && Date.now() - this.#watchedSince < (this.#options.startMs ?? START_MS);
    this.#set({
      ...this.#state,
      state: starting ? "starting" : "unhealthy",
      tools: [],
      toolsVersion: "",
      paused: false,
      reason: `its supervisor does not answer${starting ? " yet" : ""}: ${reason}`,
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
    this.#options.changed();
  }
}
