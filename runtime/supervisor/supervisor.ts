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
import { Container } from "./container.ts";
import { ownControlGroup } from "./controlGroup.ts";
import { HealthLoop } from "./healthLoop.ts";
import type { HealthLevel } from "./healthState.ts";
import { IsolatedBackend } from "./isolatedBackend.ts";
import { readKernelUsage } from "./kernelLimits.ts";
import { LadderRunner } from "./ladderRunner.ts";
import { endProcesses } from "./processGroup.ts";
import { reportLimits, type LimitsReport } from "./limitsReport.ts";
import { listFor, type ListingKind } from "./listing.ts";
import { LiveChild, SHARED_CLIENT } from "./liveChild.ts";
import { McpEndpoint } from "./mcpEndpoint.ts";
import { readingOf, type Readiness } from "./reading.ts";
import { SupervisorMetrics, type Reading, type ServerState } from "./metrics.ts";
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
  /** The ladder's last step (R-PRC-24): end this program so that the container starts afresh. */
  readonly restartContainer: (reason: string) => void;
}

const HOUSEKEEPING_MS = 15_000;

/** Everything about one MCP server: its child or children, their health, their sessions. */
export class Supervisor {
  readonly sessions: SessionStore<Session>;
  readonly metrics: SupervisorMetrics;
  readonly endpoint: McpEndpoint;
  readonly ladder: LadderRunner;
  readonly #options: SupervisorOptions;
  readonly #log: Logger;
  readonly #keeper: ChildKeeper;
  readonly #limiter: SpawnLimiter;
  readonly #group = ownControlGroup();
  readonly #container = new Container(this.#group);
  readonly #shared: SharedBackend;
  readonly #isolated: IsolatedBackend;
  #contract: ServerContract;
  #settings: Settings;
  readonly #health: HealthLoop;
  #housekeeping: NodeJS.Timeout | undefined;
  #stopping: string | undefined;
  #restarting = false;

  constructor(options: SupervisorOptions) {
    const { contract, log } = options;
    this.#options = options;
    this.#log = log;
    this.#contract = contract;
    this.#settings = settingsOf(contract);
    this.#health = new HealthLoop({
      contract: () => this.#contract,
      child: () => this.#keeper.child,
      proved: (before, after, ok) => this.#proved(before, after, ok),
    });
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
    this.ladder = this.#createLadder();
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
    this.ladder.start();
    this.#startChild();
  }

  /** Takes no more calls, and gives those that run their time. */
  async drain(reason: string): Promise<void> {
    this.#stopping = reason;
    await this.endpoint.drain(reason, this.#settings.drainMs);
  }

  /** Ends every child with its group and every session. */
  async stop(reason: string): Promise<void> {
    clearInterval(this.#housekeeping);
    this.#health.stop();
    this.ladder.stop();
    // calls that still run end as lost, not as if their clients had given them up
    await Promise.all([this.#keeper.stop(reason), this.#isolated.stop()]);
    this.sessions.clear();
    await this.#endLeftovers();
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
    if (!isDeepStrictEqual([before.health, before.proof], [contract.health, contract.proof])) this.#health.restart();
    if (this.#wanted !== "running") {
      await this.#keeper.stop(this.#downReason());
      if (contract.sharing === "isolated") this.sessions.clear();
    } else if (this.#keeper.phase === "idle") this.#startChild();
    else if (!sameProcess(before, contract) || secretsBefore !== this.#hashSecrets()) {
      await this.#restartChild("the contract has changed");
      if (contract.sharing === "isolated") this.sessions.clear();
    }
    this.#log.info({ event: "contract-reloaded" });
  }

  /** No call in flight is lost by it; those that come meanwhile are refused, and the gateway lets them wait. */
  async #restartChild(reason: string): Promise<void> {
    this.#restarting = true;
    await this.endpoint.drain(reason, this.#settings.drainMs);
    this.#keeper.restart(reason, true);
    this.#restarting = false;
    if (this.#stopping === undefined) this.endpoint.resume();
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
    const health = this.#health.state;
    const { tools } = health;
    return {
      name: this.#contract.name,
      state,
      ageSeconds: health.ageSeconds(now) ?? null,
      proofMs: health.durationMs ?? null,
      tools,
      toolsVersion: createHash("sha256").update(JSON.stringify(tools)).digest("hex").slice(0, 16),
      reason: reason ?? null,
      paused: this.#stopping !== undefined || this.#restarting || this.#keeper.planned,
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
        this.#health.restart();
      },
      onDown: () => this.#health.stop(),
      swept: () => this.#endLeftovers(),
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

  #createLadder(): LadderRunner {
    return new LadderRunner({
      log: this.#log,
      container: this.#container,
      limits: () => this.#contract.limits,
      usage: () => readKernelUsage(this.#group),
      intervalsMs: () => [this.#settings.ladderCalmMs, this.#settings.ladderAlertMs],
      graceMs: () => this.#settings.graceMs,
      essential: () => [this.#keeper.process, ...this.#isolated.processes].flatMap((child) => child?.pid ?? []),
      acted: (level, action) => this.metrics.ladderActions.inc({ level, action }),
      restartContainer: this.#options.restartContainer,
    });
  }

  /** What left its process group is found through the control group, where that is ours alone. */
  async #endLeftovers(): Promise<void> {
    if (!this.#container.own) return;
    const kept = new Set([this.#keeper.process, ...this.#isolated.processes].flatMap((child) => child?.pid ?? []));
    const left = this.#container
      .processes()
      .filter(({ pid, state, group }) => state !== "Z" && !kept.has(pid) && !kept.has(group));
    if (left.length === 0) return;
    this.#log.warn({
      event: "leftovers-ended",
      processes: left.map(({ pid, command }) => [pid, command.slice(0, 120)]),
    });
    await endProcesses(
      left.map(({ pid }) => pid),
      this.#settings.graceMs,
    );
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
    if (this.#wanted === "running") this.#keeper.start();
  }

  /** The settings' wish, unless somebody has contained it since. */
  get #wanted(): "running" | "stopped" | "quarantined" {
    const { contained, desiredState = "running" } = this.#contract;
    return contained === undefined ? desiredState : "quarantined";
  }

  #downReason(): string {
    const { contained } = this.#contract;
    if (contained !== undefined) return `contained: ${contained}`;
    if (this.#wanted !== "running") return `the operator wants it ${this.#wanted}`;
    return this.limits().refusal ?? this.#keeper.reason;
  }

  #state(now: number): { state: ServerState; reason: string | undefined } {
    if (this.#stopping !== undefined) return { state: "stopped", reason: this.#stopping };
    if (this.#wanted !== "running") return { state: this.#wanted, reason: this.#downReason() };
    const { phase } = this.#keeper;
    if (phase === "crash-loop") return { state: "crash-loop", reason: this.#keeper.reason };
    if (phase === "starting") return { state: "starting", reason: "the server has not answered initialize yet" };
    if (phase !== "running") return { state: "unhealthy", reason: this.#downReason() };
    const level = this.#health.state.level(now);
    return { state: level, reason: this.#health.state.reason ?? (level === "starting" ? "no proof yet" : undefined) };
  }

  #proved(before: HealthLevel, after: HealthLevel, ok: boolean): void {
    if (ok) this.#keeper.proved();
    const { reason } = this.#health.state;
    if (after !== before) this.#log.info({ event: "state", from: before, to: after, reason });
    if (after === "unhealthy") this.#keeper.restart(`it is unhealthy: ${reason ?? "no proof"}`, false);
  }

  #reading(): Reading {
    const alive = this.ladder.processes.filter(({ state }) => state !== "Z").length;
    return readingOf(this.readiness(), this.limits(), {
      spawns: this.#keeper.spawns,
      channel: this.#keeper.child?.channel,
      processes: alive,
      zombies: this.ladder.processes.length - alive,
    });
  }
}

/** Would the same process be started by both? */
function sameProcess(a: ServerContract, b: ServerContract): boolean {
  const relevant = ({ command, cwd, env, secretEnv }: ServerContract): object => ({ command, cwd, env, secretEnv });
  return isDeepStrictEqual(relevant(a), relevant(b));
}
