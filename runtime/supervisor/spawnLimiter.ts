/** Sliding window: at most `count` starts in `seconds`. */
export interface SpawnWindow {
  readonly count: number;
  readonly seconds: number;
}

/** R-PRC-04: at most 5 starts in 10 s and 15 in a minute per container. */
export const SPAWN_WINDOWS: readonly SpawnWindow[] = [
  { count: 5, seconds: 10 },
  { count: 15, seconds: 60 },
];

/** Says when the next child may be started; `now` is in milliseconds. */
export class SpawnLimiter {
  readonly #windows: readonly SpawnWindow[];
  #starts: number[] = [];

  constructor(windows: readonly SpawnWindow[] = SPAWN_WINDOWS) {
    this.#windows = windows;
  }

  /** Milliseconds to wait before the next start; 0 when it may happen now. */
  waitMs(now: number): number {
    return Math.max(
      0,
      ...this.#windows.map(({ count, seconds }) => {
        const oldest = this.#starts.at(-count);
        return oldest === undefined ? 0 : oldest + seconds * 1000 - now;
      }),
    );
  }

  /** Notes a start. */
  record(now: number): void {
    const longest = Math.max(...this.#windows.map((window) => window.seconds)) * 1000;
    this.#starts = [...this.#starts.filter((start) => start > now - longest), now];
  }
}
