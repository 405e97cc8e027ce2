import { TokenBucket } from "./tokenBucket.ts";

/** Nobody mistypes more than this; what guesses gains nothing and fills the log. */
const FAILURES_PER_SECOND = 5;
const FAILURE_BURST = 20;
/** Some 200 kB at most. The longest silent source gives way, and has its burst again. */
const MAX_SOURCES = 1024;

/**
 * Limits failed authentications by source address. It never stands in the way of a valid token, not even of one from the
 * same address: behind a proxy all callers have one.
 */
export class FailureLimiter {
  readonly #sources = new Map<string, TokenBucket>();

  get size(): number {
    return this.#sources.size;
  }

  /** One more failure. @returns 0, or in how many seconds the next one may be. */
  take(source: string, now = performance.now()): number {
    const bucket = this.#sources.get(source) ?? new TokenBucket(FAILURES_PER_SECOND, FAILURE_BURST, now);
    this.#sources.delete(source);
    this.#sources.set(source, bucket);
    if (this.#sources.size > MAX_SOURCES) {
      const [oldest = ""] = this.#sources.keys();
      this.#sources.delete(oldest);
    }
    return bucket.take(now);
  }
}
