import type { ServerContract } from "../contract/index.ts";
import { HealthState, type HealthLevel } from "./healthState.ts";
import type { LiveChild } from "./liveChild.ts";
import { prove } from "./prober.ts";

export interface HealthLoopOptions {
  readonly contract: () => ServerContract;
  readonly child: () => LiveChild | undefined;
  /** Called after each proof with the level before and after it. */
  readonly proved: (before: HealthLevel, after: HealthLevel, ok: boolean) => void;
}

/** Proves the child in the background, at once after its start and then every interval; never two proofs at a time. */
export class HealthLoop {
  readonly #options: HealthLoopOptions;
  #state: HealthState;
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor(options: HealthLoopOptions) {
    this.#options = options;
    this.#state = new HealthState(options.contract().health);
  }

  get state(): HealthState {
    return this.#state;
  }

  /** A new child, or new bounds: what was known counts no more. */
  restart(): void {
    this.#state = new HealthState(this.#options.contract().health);
    this.#schedule(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#prove(), delayMs);
  }

  async #prove(): Promise<void> {
    const { contract, child: current, proved } = this.#options;
    const child = current();
    if (child === undefined || this.#running) return;
    this.#running = true;
    const state = this.#state;
    const outcome = await prove(child.channel, contract());
    this.#running = false;
    if (current() !== child || this.#state !== state) {
      if (current() !== undefined) this.#schedule(0);
      return;
    }
    const before = state.level(Date.now());
    state.record(outcome, Date.now());
    this.#schedule(contract().health.intervalSeconds * 1000);
    proved(before, state.level(Date.now()), outcome.ok);
  }
}
