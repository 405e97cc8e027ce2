import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ServerContract } from "../contract/index.ts";
import type { Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import type { Logger } from "../wire/log.ts";
import { SessionStore } from "../wire/sessionStore.ts";
import type { Backend } from "./backend.ts";
import { ChildKeeper } from "./childKeeper.ts";
import { readSecrets } from "./childSpec.ts";
import { ownControlGroup } from "./controlGroup.ts";
import { HealthState } from "./healthState.ts";
import { IsolatedBackend } from "./isolatedBackend.ts";
import { reportLimits, type LimitsReport } from "./limitsReport.ts";
import { listFor, type ListingKind } from "./listing.ts";
import { LiveChild, SHARED_CLIENT } from "./liveChild.ts";
import { McpEndpoint } from "./mcpEndpoint.ts";
import { SupervisorMetrics, type Reading, type ServerState } from "./metrics.ts";
import { prove } from "./prober.ts";
import type { Session } from "./session.ts";
import { settingsOf, type Settings } from "./settings.ts";
import { SharedBackend } from "./sharedBackend.ts";
import { SpawnLimiter } from "./spawnLimiter.ts";

export interface SupervisorOptions {
  readonly contract: ServerContract;
  readonly secretsDir: string;
  readonly log: Logger;
  /** Only for runs outside of containers: start the child although the kernel has no pids limit. */
  readonly allowUnlimited: boolean;
}

/** What `/ready` answers. */
export interface Readiness {
  readonly name: string;
  readonly state: ServerState;
  /** Age of the last functional proof, null before the first. */
  readonly ageSeconds: number | null;
  readonly proofMs: number | null;
  readonly tools: readonly string[];
  /** Changes with the tool list. */
  readonly toolsVersion: string;
  readonly reason: string | null;
  readonly serverVersion: string;
  readonly serverInfo: unknown;
  readonly sharing: ServerContract["sharing"];
  readonly restarts: number;
  readonly sessions: number;
  readonly children: number;
}

const HOUSEKEEPING_MS = 15_000;

/** Everything about one MCP server: its child or children, their health, their sessions. */
export class Supervisor {
  readonly sessions: SessionStore<Session>;
  readonly metrics: SupervisorMetrics;
  readonly endpoint: McpEndpoint;
  readonly #options: SupervisorOptions;
  readonly #log: Logger;
  readonly #keeper: ChildKeeper;
  readonly #limiter: SpawnLimiter;
  readonly #group = ownControlGroup();
  readonly #shared: SharedBackend;
  readonly #isolated: IsolatedBackend;
  #contract: ServerContract;
  #settings: Settings;
  #health: HealthState;
  #probeTimer: NodeJS.Timeout | undefined;
  #housekeeping: NodeJS.Timeout | undefined;
  #probing = false;

  constructor(options: SupervisorOptions) {
    const { contract, log } = options;
    this.#options = options;
    this.#log = log;
    this.#contract = contract;
    this.#settings = settingsOf(contract);
    this.#health = new HealthState(contract.health);
    this.#limiter = new SpawnLimiter(this.#settings.spawnWindows);
    this.metrics = new SupervisorMetrics(contract.name, () => this.#reading());
    this.sessions = new SessionStore((session) => this.#backend.closed(session));
    this.#keeper = this.#createKeeper();
    this.#shared = new SharedBackend({
      sessions: () => this.sessions.all(),
      child: () => this.#keeper.child,
      reason: () => this.#downReason(),
    });
    this.#isolated = this.#createIsolated();
    this.endpoint = new McpEndpoint({
      sessions: this.sessions,
      backend: this.#backend,
      settings: () => this.#settings,
      observe: (method, outcome, seconds) => this.metrics.observe(method, outcome, seconds),
    });
  }

  get keeper(): ChildKeeper {
    return this.#keeper;
  }

  /** Begins to supervise; a missing pids limit or the operator's wish keep the child from being started. */
  start(): void {
    this.#housekeeping = setInterval(() => {
      this.sessions.sweep(this.#settings.idleMs);
      for (const session of this.sessions.all()) session.keepAlive();
    }, HOUSEKEEPING_MS);
    this.#startChild();
  }

  /** Ends every child with its group and every session. */
  async stop(reason: string): Promise<void> {
    clearInterval(this.#housekeeping);
    clearTimeout(this.#probeTimer);
    this.sessions.clear();
    await Promise.all([this.#keeper.stop(reason), this.#isolated.stop()]);
  }

  /**
   * A new contract: limits, health and timeouts hold at once, a changed command, environment or secret restarts the
   * child once. Sharing and transport are built in at the start and need a new container.
   */
  async reload(contract: ServerContract): Promise<void> {
    const before = this.#contract;
    const secretsBefore = this.#secretsHash;
    this.#contract = contract;
    this.#settings = settingsOf(contract);
    if (!isDeepStrictEqual(before.health, contract.health)) this.#health = new HealthState(contract.health);
    const wanted = contract.desiredState ?? "running";
    if (wanted !== "running") await this.#keeper.stop(`the operator wants it ${wanted}`);
    else if (this.#keeper.phase === "idle") this.#startChild();
    else if (!sameProcess(before, contract) || secretsBefore !== this.#hashSecrets()) {
      this.#keeper.restart("the contract has changed", true);
      if (contract.sharing === "isolated") this.sessions.clear();
    }
    this.#log.info({ event: "contract-reloaded" });
    if (this.#keeper.child !== undefined) this.#scheduleProof(0);
  }

  /** Full definitions from the primary child, for the gateway's catalogue: costs no session and no child. */
  async list(kind: ListingKind): Promise<unknown[]> {
    const { child } = this.#keeper;
    if (child === undefined) throw new Fault("unavailable", `the server is not running: ${this.#downReason()}`);
    return listFor(child, kind, this.#contract.health.timeoutSeconds * 1000);
  }

  limits(): LimitsReport {
    return reportLimits(this.#contract.limits, this.#group, this.#options.allowUnlimited);
  }

  readiness(): Readiness {
    const now = Date.now();
    const { state, reason } = this.#state(now);
    const { tools } = this.#health;
    return {
      name: this.#contract.name,
      state,
      ageSeconds: this.#health.ageSeconds(now) ?? null,
      proofMs: this.#health.durationMs ?? null,
      tools,
      toolsVersion: createHash("sha256").update(JSON.stringify(tools)).digest("hex").slice(0, 16),
      reason: reason ?? null,
      serverVersion: this.#contract.serverVersion,
      serverInfo: this.#keeper.child?.initializeResult?.["serverInfo"] ?? null,
      sharing: this.#contract.sharing,
      restarts: this.#keeper.restarts,
      sessions: this.sessions.size,
      children: (this.#keeper.process === undefined ? 0 : 1) + this.#isolated.size,
    };
  }

  get #backend(): Backend {
    return this.#contract.sharing === "shared" ? this.#shared : this.#isolated;
  }

  #secretsHash = "";

  #hashSecrets(): string {
    try {
      const secrets = readSecrets(this.#contract, this.#options.secretsDir);
      return createHash("sha256").update(JSON.stringify(secrets)).digest("hex");
    } catch {
      return "unreadable";
    }
  }

  #createKeeper(): ChildKeeper {
    return new ChildKeeper({
      log: this.#log,
      limiter: this.#limiter,
      restart: this.#settings.restart,
      spawn: () => {
        this.#secretsHash = this.#hashSecrets();
        const child: LiveChild = this.#spawn((envelope) => this.#shared.unsolicited(envelope, child.channel));
        return child;
      },
      greet: (child) => child.initialize(SHARED_CLIENT, this.#settings.startTimeoutMs),
      evidence: (child) => ({ pid: child.pid, lastLines: child.lastLines, uptimeMs: Date.now() - child.startedAt }),
      onReady: (child) => {
        this.#shared.childReady(child);
        this.#health = new HealthState(this.#contract.health);
        this.#scheduleProof(0);
      },
      onDown: () => clearTimeout(this.#probeTimer),
    });
  }

  #createIsolated(): IsolatedBackend {
    return new IsolatedBackend({
      log: this.#log,
      limiter: this.#limiter,
      maxChildren: () => this.#contract.maxChildren,
      startTimeoutMs: () => this.#settings.startTimeoutMs,
      spawn: (unsolicited) => this.#spawn(unsolicited),
      refusal: () => (this.#keeper.phase === "idle" ? this.#downReason() : undefined),
      drop: (session: Session) => this.sessions.remove(session),
    });
  }

  #spawn(unsolicited: (envelope: Envelope) => void): LiveChild {
    return new LiveChild({
      contract: this.#contract,
      settings: this.#settings,
      secretsDir: this.#options.secretsDir,
      log: this.#log,
      unsolicited,
      stray: () => this.metrics.stray.inc(),
    });
  }

  #startChild(): void {
    const { refusal, gaps } = this.limits();
    if (refusal !== undefined) {
      this.#log.fatal({ event: "child-refused", reason: refusal });
      return;
    }
    if (gaps.length > 0) this.#log.warn({ event: "limit-gaps", gaps });
    if ((this.#contract.desiredState ?? "running") === "running") this.#keeper.start();
  }

  #downReason(): string {
    const wanted = this.#contract.desiredState ?? "running";
    if (wanted !== "running") return `the operator wants it ${wanted}`;
    return this.limits().refusal ?? this.#keeper.reason;
  }

  #state(now: number): { state: ServerState; reason: string | undefined } {
    const wanted = this.#contract.desiredState ?? "running";
    if (wanted !== "running") return { state: wanted, reason: this.#downReason() };
    const { phase } = this.#keeper;
    if (phase === "crash-loop") return { state: "crash-loop", reason: this.#keeper.reason };
    if (phase === "starting") return { state: "starting", reason: "the server has not answered initialize yet" };
    if (phase !== "running") return { state: "unhealthy", reason: this.#downReason() };
    const level = this.#health.level(now);
    return { state: level, reason: this.#health.reason ?? (level === "starting" ? "no proof yet" : undefined) };
  }

  #scheduleProof(delayMs: number): void {
    clearTimeout(this.#probeTimer);
    this.#probeTimer = setTimeout(() => void this.#prove(), delayMs);
  }

  async #prove(): Promise<void> {
    const { child } = this.#keeper;
    if (child === undefined || this.#probing) return;
    this.#probing = true;
    const before = this.#state(Date.now()).state;
    const outcome = await prove(child.channel, this.#contract);
    this.#probing = false;
    if (this.#keeper.child !== child) {
      if (this.#keeper.child !== undefined) this.#scheduleProof(0);
      return;
    }
    this.#health.record(outcome, Date.now());
    if (outcome.ok) this.#keeper.proved();
    const { state, reason } = this.#state(Date.now());
    if (state !== before) this.#log.info({ event: "state", from: before, to: state, reason });
    if (state === "unhealthy") this.#keeper.restart(`it is unhealthy: ${reason ?? "no proof"}`, false);
    this.#scheduleProof(this.#contract.health.intervalSeconds * 1000);
  }

  #reading(): Reading {
    const report = this.limits();
    const { declared, actual, usage } = report;
    const readiness = this.readiness();
    const number = (value: number | null | undefined): number => value ?? Number.NaN;
    const channel = this.#keeper.child?.channel;
    return {
      state: readiness.state,
      proofAgeSeconds: readiness.ageSeconds ?? undefined,
      proofSeconds: readiness.proofMs === null ? undefined : readiness.proofMs / 1000,
      restarts: readiness.restarts,
      spawns: this.#keeper.spawns,
      sessions: readiness.sessions,
      children: readiness.children,
      inFlight: channel?.inFlight ?? 0,
      queued: channel?.queued ?? 0,
      processes: undefined,
      tasks: usage.tasks,
      zombies: undefined,
      memoryBytes: usage.memoryBytes,
      oomKills: usage.oomKills,
      limits: {
        memory_bytes: [declared.memoryMiB * 1024 * 1024, number(actual.memoryBytes)],
        cpus: [declared.cpus, number(actual.cpus)],
        pids: [declared.pids, number(actual.pids)],
        nofile: [declared.nofile.hard, number(actual.nofile?.hard)],
        nproc: [declared.nproc, number(actual.nproc?.hard)],
      },
    };
  }
}

/** Would the same process be started by both? */
function sameProcess(a: ServerContract, b: ServerContract): boolean {
  const relevant = ({ command, cwd, env, secretEnv }: ServerContract): object => ({ command, cwd, env, secretEnv });
  return isDeepStrictEqual(relevant(a), relevant(b));
}
