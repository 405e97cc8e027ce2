import { LATEST_REVISION } from "../wire/revisions.ts";
import type { TrunkHead } from "../wire/trunkFrames.ts";
import { forwardCall, type ForwardOptions } from "./forwardCall.ts";
import type { ClientParams, Upstream } from "./upstream.ts";

/** Trace context of the caller, handed on so that traces join up. */
export type TraceHeaders = Pick<TrunkHead, "traceparent" | "tracestate">;
export const NO_TRACE: TraceHeaders = { traceparent: undefined, tracestate: undefined };

export interface LinkCall extends Pick<ForwardOptions, "body" | "answer" | "what" | "timeoutMs" | "cancellable"> {
  readonly trace: TraceHeaders;
  /** Does the caller take a stream? */
  readonly stream: boolean;
}

/** One MCP session with one supervisor, opened when first needed and again when the supervisor has forgotten it. */
export class UpstreamLink {
  readonly upstream: Upstream;
  readonly #client: ClientParams;
  #session: Promise<string> | undefined;
  /** The id as soon as it is known: the hot path does not wait for a promise. */
  #id: string | undefined;

  constructor(upstream: Upstream, client: ClientParams) {
    this.upstream = upstream;
    this.#client = client;
  }

  /**
   * Sends one message inside the session. A 404 means that the message was not looked at, so it is sent once more in a
   * new session. Rejects with a Fault.
   */
  async call(call: LinkCall): Promise<void> {
    this.upstream.requireRoutable();
    const used = this.#id ?? (await this.#open(call.timeoutMs));
    let forgotten = false;
    await this.#forward(call, used, {
      ...call.answer,
      whole: (status, headers, text) => {
        forgotten = status === 404;
        if (!forgotten) call.answer.whole(status, headers, text);
      },
    });
    if (!forgotten) return;
    if (this.#id === used) this.#forget();
    await this.#forward(call, await this.#open(call.timeoutMs), call.answer);
  }

  /** Sends what has no answer that counts; when the server is gone, its calls have failed already. */
  tell(body: string, trace: TraceHeaders, timeoutMs: number): void {
    const answer = { whole: (): void => undefined };
    void this.call({ body, answer, what: "a notification", timeoutMs, trace, stream: false }).catch(() => undefined);
  }

  /** Ends the session there; errors do not matter, as an idle session ends by itself. */
  close(): void {
    const session = this.#session;
    this.#forget();
    void session
      ?.then((id) => this.upstream.send({ method: "DELETE", path: "/mcp", headers: { "mcp-session-id": id } }))
      .then((answer) => answer?.body.dump())
      .catch(() => undefined);
  }

  #forget(): void {
    this.#session = undefined;
    this.#id = undefined;
  }

  #forward(call: LinkCall, session: string, answer: ForwardOptions["answer"]): Promise<void> {
    const { trace, stream, body, what, timeoutMs, cancellable } = call;
    return forwardCall({
      upstream: this.upstream,
      head: {
        session,
        revision: LATEST_REVISION,
        accept: stream ? "application/json, text/event-stream" : "application/json",
        contentType: "application/json",
        traceparent: trace.traceparent,
        tracestate: trace.tracestate,
      },
      body,
      answer,
      what,
      timeoutMs,
      ...(cancellable !== undefined && { cancellable }),
    });
  }

  /** Single-flight: callers that come meanwhile share one handshake. */
  #open(timeoutMs: number): Promise<string> {
    if (this.#session !== undefined) return this.#session;
    const opening = this.upstream.openSession(this.#client, AbortSignal.timeout(timeoutMs));
    this.#session = opening;
    opening.then(
      (id) => {
        if (this.#session === opening) this.#id = id;
      },
      () => {
        if (this.#session === opening) this.#forget();
      },
    );
    return opening;
  }
}
