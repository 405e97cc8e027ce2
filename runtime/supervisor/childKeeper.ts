import type { Logger } from "../wire/log.ts";
import { exitText, type LiveChild } from "./liveChild.ts";
import { RestartPolicy, type RestartBounds } from "./restartPolicy.ts";
import type { SpawnLimiter } from "./spawnLimiter.ts";

/** starting: none has run yet; waiting: it failed and the next start is due later. */
export type KeeperPhase = "idle" | "starting" | "running" | "waiting" | "crash-loop";

export interface KeeperOptions {
  readonly log: Logger;
  readonly limiter: SpawnLimiter;
  readonly restart: RestartBounds;
  /** Starts a child; throws when it cannot be (a missing secret). */
  readonly spawn: () => LiveChild;
  /** Completes the handshake; rejects when the child does not answer. */
  readonly greet: (child: LiveChild) => Promise<void>;
  /** Called before a failed child's remains are ended: the last look at what it left (R-PRC-15). */
  readonly evidence: (child: LiveChild) => object;
  readonly onReady: (child: LiveChild) => void;
  readonly onDown: (reason: string) => void;
  /** Ends what escaped the group, before the next start. */
  readonly swept: () => Promise<void>;
}

interface Ending {
  readonly reason: string;
  /** Ended on purpose: no failure, no delay. */
  readonly planned: boolean;
}

/** Whatever its exit code: a server that lacks what it needs may well end with 0. */
const NEVER_ANSWERED =
  " before it had answered anything: a fault of its configuration, most often a variable, a secret, a mount or an argument that it needs; its last lines are in the log";

/** Keeps one child running: starts it single-flight, notices its end, and starts it again within bounds (R-PRC-13). */
export class ChildKeeper {
  readonly #options: KeeperOptions;
  #policy: RestartPolicy;
  #child: LiveChild | undefined;
  #phase: KeeperPhase = "idle";
  #reason = "not started";
  #loop: Promise<void> | undefined;
  #stopping = false;
  #end: ((ending: Ending) => void) | undefined;
  #wake: (() => void) | undefined;
  #planned = false;
  /** Starts after the first. */
  restarts = 0;
  spawns = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#policy = new RestartPolicy(options.restart);
  }

  get phase(): KeeperPhase {
    return this.#phase;
  }

  /** Why there is no running child, or how the last one ended. */
  get reason(): string {
    return this.#reason;
  }

  /** The child once it has completed the handshake. */
  get child(): LiveChild | undefined {
    return this.#phase === "running" ? this.#child : undefined;
  }

  /** The child even while it is starting. */
  get process(): LiveChild | undefined {
    return this.#child;
  }

  /** Being restarted on purpose: from the wish until the new child runs or has failed. */
  get planned(): boolean {
    return this.#planned;
  }

  start(): void {
    this.#stopping = false;
    this.#loop ??= this.#run().finally(() => {
      this.#loop = undefined;
      this.#phase = "idle";
    });
  }

  /** Ends the child and waits until nothing of its group runs. */
  async stop(reason: string): Promise<void> {
    this.#stopping = true;
    this.#end?.({ reason, planned: true });
    this.#wake?.();
    await this.#loop;
    this.#reason = reason;
  }

  /** Ends the child so that a new one is started; `planned` ones are no failure and forgive earlier ones. */
  restart(reason: string, planned: boolean): void {
    if (planned) this.#policy.forget();
    this.#planned = planned;
    this.#end?.({ reason, planned });
    if (planned) this.#wake?.();
  }

  /** A health proof came: a crash loop is over. */
  proved(): void {
    this.#policy.succeeded();
  }

  async #run(): Promise<void> {
    const { limiter, log } = this.#options;
    while (!this.#stopping) {
      this.#phase = this.#phase === "idle" ? "starting" : this.#phase;
      const wait = limiter.waitMs(Date.now());
      if (wait > 0) await this.#sleep(wait);
      if (this.#stopping) break;
      const ending = await this.#live();
      this.#options.onDown(ending.reason);
      if (ending.planned) continue;
      this.#planned = false;
      const { delayMs, crashLoop, failures } = this.#policy.failed(Date.now());
      this.#phase = crashLoop ? "crash-loop" : "waiting";
      this.#reason = crashLoop ? `crash loop: ${failures} failures, the last one: ${ending.reason}` : ending.reason;
      log.error({
        event: crashLoop ? "crash-loop" : "child-failed",
        reason: ending.reason,
        failures,
        nextStartMs: delayMs,
      });
      await this.#sleep(delayMs);
    }
  }

  /** One child from its start to the end of its whole group. */
  async #live(): Promise<Ending> {
    const { limiter, log, spawn, greet, evidence, onReady } = this.#options;
    limiter.record(Date.now());
    this.spawns += 1;
    if (this.spawns > 1) this.restarts += 1;
    let child: LiveChild;
    try {
      child = spawn();
    } catch (error) {
      this.#reason = error instanceof Error ? error.message : String(error);
      return { reason: this.#reason, planned: false };
    }
    this.#child = child;
    log.info({ event: "child-started", pid: child.pid, restarts: this.restarts });
    const requested = new Promise<Ending>((resolve) => {
      this.#end = resolve;
    });
    // R-PRC-14: a server that ends has failed, whatever its exit code
    const exited = child.exited.then((exit): Ending => ({
      reason: `the server ended: ${exitText(exit)}${child.initializeResult === undefined ? NEVER_ANSWERED : ""}`,
      planned: false,
    }));
    const greeted = greet(child).then(
      () => undefined,
      (error: unknown): Ending => ({
        reason: `the server did not start: ${error instanceof Error ? error.message : String(error)}`,
        planned: false,
      }),
    );
    // a child that exits fails its handshake too; its exit is the better reason
    const failed = await Promise.race([
      requested,
      exited,
      greeted.then((ending) => ending && Promise.race([exited, delayed(ending)])),
    ]);
    let ending = failed;
    if (ending === undefined) {
      this.#phase = "running";
      this.#planned = false;
      onReady(child);
      ending = await Promise.race([requested, exited]);
    }
    this.#phase = "waiting";
    this.#reason = ending.reason;
    if (!ending.planned) log.warn({ event: "child-evidence", reason: ending.reason, ...evidence(child) });
    const clean = await child.stop();
    if (!clean) log.error({ event: "group-not-ended", pid: child.pid });
    this.#end = undefined;
    this.#child = undefined;
    await this.#options.swept();
    return ending;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function delayed(ending: Ending): Promise<Ending> {
  return new Promise((resolve) => setTimeout(() => resolve(ending), 20));
}
