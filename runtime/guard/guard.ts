import { CONTROL_DIR, HOST_CGROUPS, HOST_PROC, type Controlled, type GuardContract } from "../contract/index.ts";
import type { Logger } from "../wire/log.ts";
import type { ControlClient } from "./controlClient.ts";
import { Judge, type Verdict } from "./judge.ts";
import { GuardMetrics } from "./metrics.ts";
import { look, type Host } from "./round.ts";

export interface GuardArgs {
  contract: GuardContract;
  control: ControlClient;
  log: Logger;
  /** @default where the container has them */
  host?: Host;
}

/** Rounds that may be missed before the guard itself counts as unwell. */
const MISSED = 3;

/** Watches the stack's containers from outside, and restarts those that nobody inside can help (R-PRC-07). */
export class Guard {
  readonly metrics = new GuardMetrics();
  readonly #args: Required<GuardArgs>;
  readonly #judge: Judge;
  #timer: NodeJS.Timeout | undefined;
  #lastRound = -Infinity;
  #controlFault: string | undefined;

  constructor(args: GuardArgs) {
    this.#args = { host: { proc: HOST_PROC, groups: HOST_CGROUPS, volume: CONTROL_DIR }, ...args };
    this.#judge = new Judge(args.contract.patienceSeconds);
  }

  start(): void {
    const next = (): void => {
      this.#timer = setTimeout(() => void this.round().finally(next), this.#args.contract.intervalSeconds * 1000);
    };
    void this.round().finally(next);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The last rounds came in time. */
  get well(): boolean {
    return performance.now() - this.#lastRound < MISSED * this.#args.contract.intervalSeconds * 1000 + 1000;
  }

  /** One look, its figures, and what follows from it. Never throws. */
  async round(): Promise<void> {
    const { contract, host, log } = this.#args;
    const listed = await this.#list();
    const began = performance.now();
    try {
      const round = look(contract, listed, host);
      const now = performance.now();
      this.metrics.tell(
        round,
        contract.containers.map(({ name }) => name),
        { seconds: (now - began) / 1000, controlUp: listed !== undefined },
      );
      this.#lastRound = now;
      if (contract.act)
        for (const verdict of this.#judge.verdicts(round.containers, now)) await this.#carryOut(verdict);
    } catch (error) {
      log.error({ event: "round-failed", reason: error instanceof Error ? error.message : String(error) });
    }
  }

  async #list(): Promise<Controlled[] | undefined> {
    try {
      const listed = await this.#args.control.containers();
      if (this.#controlFault !== undefined) this.#args.log.info({ event: "control-back" });
      this.#controlFault = undefined;
      return listed;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#controlFault) this.#args.log.error({ event: "control-silent", reason });
      this.#controlFault = reason;
      return undefined;
    }
  }

  async #carryOut({ id, name, cause }: Verdict): Promise<void> {
    const { control, log } = this.#args;
    log.warn({ event: "restarting", container: name, id, cause });
    // Whatever comes of it, the next time is after its patience again.
    this.#judge.forget(id);
    try {
      const outcome = await control.restart(id);
      this.metrics.count(name, cause, outcome === true ? "done" : "refused");
      if (outcome === true) log.warn({ event: "restarted", container: name, id, cause });
      else log.error({ event: "restart-refused", container: name, id, cause, reason: outcome });
    } catch (error) {
      this.metrics.count(name, cause, "failed");
      log.error({ event: "restart-failed", container: name, id, cause, reason: String(error) });
    }
  }
}
