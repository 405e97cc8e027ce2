import { Fault } from "../wire/faults.ts";
import { FAULT_HEADER } from "../wire/gatewayHeaders.ts";
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
  /** Ends the wait for a place and for the answer, in ms since 1970; a stream has its own end, so up to its begin. */
  readonly endsAt: number;
  /** The whole time that the call had, for the error's text. */
  readonly timeoutMs: number;
  /** Takes the call back, given to the caller once it is on its way. */
  readonly cancellable?: (cancel: (reason: string) => void) => void;
}

/** The supervisor's word that it has not taken the call, or has lost it; its answer is kept, for when nobody else has one. */
export class NotAnswered extends Fault {
  /** Gives the caller that answer. May throw, as every answer. */
  readonly deliver: () => void;

  constructor(kind: "unavailable" | "lost", message: string, deliver: () => void) {
    super(kind, message);
    this.deliver = deliver;
  }
}

/**
 * Sends one message to an instance and its answer back, within the limits on calls. Rejects with a Fault: of the kind
 * "unavailable" when nobody has looked at the message, "lost" when nobody knows how far it came.
 */
export async function forwardCall(options: ForwardOptions): Promise<void> {
  const { upstream, endsAt } = options;
  // Chosen before it was retired, and held up by a session that had to be opened first: it would be cut off.
  if (upstream.retiring) throw new Fault("unavailable", `${options.what}: ${upstream.name} is being removed`);
  if (!upstream.places.tryAcquire()) await upstream.places.acquire(remaining(endsAt));
  try {
    await exchange(options, remaining(endsAt));
    upstream.breaker.succeeded();
  } catch (error) {
    if (error instanceof Fault && error.kind === "timeout") upstream.breaker.failed(Date.now());
    throw error;
  } finally {
    upstream.places.release();
  }
}

const remaining = (endsAt: number): number => Math.max(1, endsAt - Date.now());

function exchange(options: ForwardOptions, remainingMs: number): Promise<void> {
  const { upstream, head, body, answer, what, timeoutMs, cancellable } = options;
  let begun = false;
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
        const kind = headers[FAULT_HEADER];
        if (kind === "unavailable" || kind === "lost") {
          reject(new NotAnswered(kind, `${what}: ${kind}`, () => answer.whole(status, headers, text)));
          return;
        }
        guarded(() => {
          answer.whole(status, headers, text);
          resolve();
        });
      },
      begin: (status, headers) => {
        clearTimeout(timer);
        begun = true;
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
        // what the client has seen the begin of cannot come from elsewhere
        reject(begun ? new Fault("upstream", fault.message) : fault);
      },
    });
    cancellable?.((reason) => stop(new Fault("cancelled", reason)));
  });
}
