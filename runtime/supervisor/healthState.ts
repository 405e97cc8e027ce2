import type { ServerContract } from "../contract/index.ts";

/** What one background proof found. */
export interface ProofOutcome {
  readonly ok: boolean;
  /** Not in time, but the server answered something else meanwhile: slow, not down. */
  readonly slow: boolean;
  readonly durationMs: number;
  readonly tools?: readonly string[];
  readonly reason?: string;
}

export type HealthLevel = "starting" | "healthy" | "degraded" | "unhealthy";

/** R-HLT-04: an answer older than this proves nothing any more. */
export const MAX_AGE_SECONDS = 120;
/** An answer that takes more than this share of the timeout is slow. */
const SLOW_SHARE = 0.5;

/** Health of one child from its proofs, with hysteresis: one failure degrades, `failures` in a row make it unhealthy. */
export class HealthState {
  readonly #health: ServerContract["health"];
  #failures = 0;
  #slow = false;
  #provedAt: number | undefined;
  #durationMs: number | undefined;
  #reason: string | undefined;
  #tools: readonly string[] = [];

  constructor(health: ServerContract["health"]) {
    this.#health = health;
  }

  /** Names from the latest good answer. */
  get tools(): readonly string[] {
    return this.#tools;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  get durationMs(): number | undefined {
    return this.#durationMs;
  }

  ageSeconds(now: number): number | undefined {
    return this.#provedAt === undefined ? undefined : (now - this.#provedAt) / 1000;
  }

  record(outcome: ProofOutcome, now: number): void {
    this.#durationMs = outcome.durationMs;
    if (outcome.ok) {
      this.#failures = 0;
      this.#provedAt = now;
      this.#tools = outcome.tools ?? this.#tools;
      this.#slow = outcome.durationMs > this.#health.timeoutSeconds * 1000 * SLOW_SHARE;
      this.#reason = this.#slow ? `the proof took ${Math.round(outcome.durationMs)} ms` : undefined;
      return;
    }
    this.#reason = outcome.reason;
    // a slow answer never counts as the failure that takes the server down
    const ceiling = outcome.slow ? Math.max(1, this.#health.failures - 1) : Number.POSITIVE_INFINITY;
    this.#failures = Math.max(this.#failures, Math.min(this.#failures + 1, ceiling));
  }

  level(now: number): HealthLevel {
    const age = this.ageSeconds(now);
    if (this.#failures >= this.#health.failures) return "unhealthy";
    if (age === undefined) return "starting";
    if (age > MAX_AGE_SECONDS) return "unhealthy";
    return this.#failures > 0 || this.#slow ? "degraded" : "healthy";
  }
}
