/** Bounds of R-PRC-13; all times in seconds. */
export interface RestartBounds {
  /** Failures inside the window after which the server is left alone. */
  readonly failures: number;
  readonly windowSeconds: number;
  /** How long a crash loop is left alone before one more try. */
  readonly coolDownSeconds: number;
  readonly firstDelaySeconds: number;
  readonly maxDelaySeconds: number;
}

/** 5 tries in 10 minutes with growing delay (R-PRC-13); no state is final, so it tries once more after the window. */
export const RESTART_BOUNDS: RestartBounds = {
  failures: 5,
  windowSeconds: 600,
  coolDownSeconds: 600,
  firstDelaySeconds: 0.25,
  maxDelaySeconds: 30,
};

export interface RestartDecision {
  readonly delayMs: number;
  /** True when the bound is reached: the delay is then the cool-down. */
  readonly crashLoop: boolean;
  /** Failures inside the window, this one included. */
  readonly failures: number;
}

/** Decides when a failed child is started again. Pure but for what it remembers; `now` is in milliseconds. */
export class RestartPolicy {
  readonly #bounds: RestartBounds;
  #failures: number[] = [];
  #looping = false;

  constructor(bounds: RestartBounds = RESTART_BOUNDS) {
    this.#bounds = bounds;
  }

  failed(now: number): RestartDecision {
    const { failures: most, windowSeconds, coolDownSeconds, firstDelaySeconds, maxDelaySeconds } = this.#bounds;
    this.#failures = [...this.#failures.filter((time) => time > now - windowSeconds * 1000), now];
    const failures = this.#failures.length;
    this.#looping ||= failures >= most;
    if (this.#looping) return { delayMs: coolDownSeconds * 1000, crashLoop: true, failures };
    const delayMs = Math.min(maxDelaySeconds, firstDelaySeconds * 2 ** (failures - 1)) * 1000;
    return { delayMs, crashLoop: false, failures };
  }

  /** The child proved itself: a crash loop is over, although its failures still count inside the window. */
  succeeded(): void {
    this.#looping = false;
  }

  /** The operator changed something: earlier failures say nothing any more. */
  forget(): void {
    this.#failures = [];
    this.#looping = false;
  }
}
