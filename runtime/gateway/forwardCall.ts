import { Fault } from "../wire/faults.ts";
import type { TrunkHead, TrunkHeaders } from "../wire/trunkFrames.ts";
import type { Upstream } from "./upstream.ts";

/** What a caller does with its answer. May throw; its call then fails with what was thrown. */
export interface Answer {
  whole(status: number, headers: TrunkHeaders, text: string): void;
  /** Not needed by callers that accept no stream. */
  begin?(status: number, headers: TrunkHeaders): void;
  piece?(text: string): void;
  end?(): void;
}

export interface ForwardOptions {
  readonly upstream: Upstream;
  readonly head: TrunkHead;
  readonly body: string;
  readonly answer: Answer;
  /** What is not answered in time, for the error's text. */
  readonly what: string;
  /** Wait for a place included; a stream has its own end, so the time counts up to its begin. */
  readonly timeoutMs: number;
  /** Takes the call back, given to the caller once it is on its way. */
  readonly cancellable?: (cancel: (reason: string) => void) => void;
}

/** Sends one message to a healthy server and its answer back, within the limits on calls. Rejects with a Fault. */
export async function forwardCall(options: ForwardOptions): Promise<void> {
  const { upstream, timeoutMs } = options;
  upstream.requireRoutable();
  const endsAt = Date.now() + timeoutMs;
  if (!upstream.places.tryAcquire()) await upstream.places.acquire(timeoutMs);
  try {
    await exchange(options, Math.max(1, endsAt - Date.now()));
    upstream.breaker.succeeded();
  } catch (error) {
    if (error instanceof Fault && error.kind === "timeout") upstream.breaker.failed(Date.now());
    throw error;
  } finally {
    upstream.places.release();
  }
}

function exchange(options: ForwardOptions, remainingMs: number): Promise<void> {
  const { upstream, head, body, answer, what, timeoutMs, cancellable } = options;
  return new Promise((resolve, reject) => {
    const stop = (error: unknown): void => {
      clearTimeout(timer);
      takeBack();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the caller threw
      reject(error);
    };
    /** The answer is the caller's own code: what it throws is this call's failure and nobody else's. */
    const guarded = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        stop(error);
      }
    };
    const timer = setTimeout(
      () => stop(new Fault("timeout", `${what} was not answered within ${timeoutMs / 1000} s`)),
      remainingMs,
    );
    const takeBack = upstream.trunk.call(head, body, {
      whole: (status, headers, text) => {
        clearTimeout(timer);
        guarded(() => {
          answer.whole(status, headers, text);
          resolve();
        });
      },
      begin: (status, headers) => {
        clearTimeout(timer);
        guarded(() => answer.begin?.(status, headers));
      },
      piece: (text) => guarded(() => answer.piece?.(text)),
      end: () => {
        guarded(() => {
          answer.end?.();
          resolve();
        });
      },
      failed: (fault) => {
        clearTimeout(timer);
        reject(fault);
      },
    });
    cancellable?.((reason) => stop(new Fault("cancelled", reason)));
  });
}
