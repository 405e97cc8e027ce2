import { requestText } from "../wire/envelope.ts";
import { LATEST_REVISION } from "../wire/revisions.ts";
import { SseParser } from "../wire/sse.ts";
import type { TrunkHead } from "../wire/trunkFrames.ts";
import { nextCallId } from "./callId.ts";
import { Deadline } from "./deadline.ts";
import { forwardCall, type ForwardOptions } from "./forwardCall.ts";
import type { Upstream } from "./upstream.ts";
import {
  MCP_HEADERS,
  openSession,
  ownerHeaders,
  type ClientParams,
  type OpenedSession,
  type SessionOwner,
} from "./upstreamSession.ts";

/** Trace context of the caller, handed on so that traces join up. */
export type TraceHeaders = Pick<TrunkHead, "traceparent" | "tracestate">;

export interface LinkCall extends Pick<
  ForwardOptions,
  "body" | "answer" | "what" | "endsAt" | "timeoutMs" | "cancellable"
> {
  readonly trace: TraceHeaders;
  /** Does the caller take a stream? */
  readonly stream: boolean;
}

/** A request that each new session begins with, where the server has the capability. */
export interface FirstRequest {
  readonly capability: string;
  readonly method: string;
  readonly params: object;
}

/** An event that never ends must not fill the memory. */
const MAX_EVENT_CHARS = 16 << 20;
const OPEN_MS = 10_000;

/** One MCP session with one supervisor, opened when first needed and again when the supervisor has forgotten it. */
export class UpstreamLink {
  readonly upstream: Upstream;
  readonly #client: ClientParams;
  readonly #owner: SessionOwner;
  readonly #firstRequests: () => readonly FirstRequest[];
  #session: Promise<OpenedSession> | undefined;
  /** The id as soon as it is known: the hot path does not wait for a promise. */
  #id: string | undefined;

  constructor(
    upstream: Upstream,
    client: ClientParams,
    owner: SessionOwner,
    firstRequests: () => readonly FirstRequest[] = () => [],
  ) {
    this.upstream = upstream;
    this.#client = client;
    this.#owner = owner;
    this.#firstRequests = firstRequests;
  }

  /**
   * Sends one message inside the session. A 404 means that the message was not looked at, so it is sent once more in a
   * new session. Rejects with a Fault.
   */
  async call(call: LinkCall): Promise<void> {
    const used = this.#id ?? (await this.#open(call.endsAt)).id;
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
    await this.#forward(call, (await this.#open(call.endsAt)).id, call.answer);
  }

  /** Sends what has no answer that counts; when the server is gone, its calls have failed already. */
  tell(body: string, trace: TraceHeaders, timeoutMs: number): void {
    const answer = { whole: (): void => undefined };
    const call = {
      body,
      answer,
      what: "a notification",
      endsAt: Date.now() + timeoutMs,
      timeoutMs,
      trace,
      stream: false,
    };
    void this.call(call).catch(() => undefined);
  }

  /** What every new session begins with has changed. */
  repeatRequests(): void {
    const deadline = new Deadline(`${this.upstream.name}: settings of a session`, OPEN_MS);
    void this.#session
      ?.then((session) => this.#sendFirst(session, deadline.signal))
      .catch(() => undefined)
      .finally(() => deadline.clear());
  }

  /** Reads the session's standing stream to its end, opening the session where need be. Rejects with a Fault. */
  async listen(received: (text: string) => void, signal: AbortSignal): Promise<void> {
    const { id } = await this.#open(Date.now() + OPEN_MS);
    const headers = { accept: "text/event-stream", "mcp-session-id": id, ...ownerHeaders(this.#owner) };
    const answer = await this.upstream.send({ method: "GET", path: "/mcp", headers, signal });
    if (answer.statusCode !== 200) {
      if (answer.statusCode === 404 && this.#id === id) this.#forget();
      await answer.body.dump();
      return;
    }
    const parser = new SseParser();
    for await (const piece of answer.body.setEncoding("utf8")) {
      for (const data of parser.push(String(piece))) received(data);
      if (parser.pendingLength > MAX_EVENT_CHARS) throw new Error("an event that is too large");
    }
  }

  /** Ends the session there; errors do not matter, as an idle session ends by itself. */
  close(): void {
    const session = this.#session;
    this.#forget();
    void session
      ?.then(({ id }) => {
        const headers = { ...ownerHeaders(this.#owner), "mcp-session-id": id };
        return this.upstream.send({ method: "DELETE", path: "/mcp", headers });
      })
      .then((answer) => answer.body.dump())
      .catch(() => undefined);
  }

  #forget(): void {
    this.#session = undefined;
    this.#id = undefined;
  }

  #forward(call: LinkCall, session: string, answer: ForwardOptions["answer"]): Promise<void> {
    const { trace, stream, body, what, endsAt, timeoutMs, cancellable } = call;
    return forwardCall({
      upstream: this.upstream,
      head: {
        session,
        revision: LATEST_REVISION,
        accept: stream ? "application/json, text/event-stream" : "application/json",
        contentType: "application/json",
        traceparent: trace.traceparent,
        tracestate: trace.tracestate,
        principal: this.#owner.principal,
      },
      body,
      answer,
      what,
      endsAt,
      timeoutMs,
      ...(cancellable !== undefined && { cancellable }),
    });
  }

  /** Single-flight: callers that come meanwhile share one handshake. */
  #open(endsAt: number): Promise<OpenedSession> {
    if (this.#session !== undefined) return this.#session;
    const deadline = new Deadline(`${this.upstream.name}: a new session`, Math.max(1, endsAt - Date.now()));
    const opening = openSession(this.upstream, this.#client, this.#owner, deadline.signal)
      .then(async (session) => {
        await this.#sendFirst(session, deadline.signal);
        return session;
      })
      .finally(() => deadline.clear());
    this.#session = opening;
    opening.then(
      ({ id }) => {
        if (this.#session === opening) this.#id = id;
      },
      () => {
        if (this.#session === opening) this.#forget();
      },
    );
    return opening;
  }

  /** A server that refuses one of them has its reasons; the calls that follow say so. */
  async #sendFirst({ id, capabilities }: OpenedSession, signal: AbortSignal): Promise<void> {
    for (const { capability, method, params } of this.#firstRequests()) {
      if (capabilities[capability] === undefined) continue;
      const headers = { ...MCP_HEADERS, ...ownerHeaders(this.#owner), "mcp-session-id": id };
      const body = requestText(nextCallId(), method, params);
      const answer = await this.upstream.send({
        method: "POST",
        path: "/mcp",
        headers,
        body,
        signal,
      });
      await answer.body.dump();
    }
  }
}
