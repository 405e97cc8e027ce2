import type { Dispatcher } from "undici";
import { MCP_HEADERS, type ClientParams, type Upstream } from "./upstream.ts";

/** Headers that are handed on to the supervisor so that traces join up. */
export type TraceHeaders = Readonly<Record<string, string>>;

/** One MCP session with one supervisor, opened when first needed and again when the supervisor has forgotten it. */
export class UpstreamLink {
  readonly upstream: Upstream;
  readonly #client: ClientParams;
  #session: Promise<string> | undefined;

  constructor(upstream: Upstream, client: ClientParams) {
    this.upstream = upstream;
    this.#client = client;
  }

  /**
   * Sends one message inside the session. A 404 means that the message was not looked at, so it is sent once more in a
   * new session. Rejects with a Fault.
   */
  async post(
    text: string,
    signal: AbortSignal,
    trace: TraceHeaders = {},
    stream = true,
  ): Promise<Dispatcher.ResponseData> {
    const used = this.#open(signal);
    const answer = await this.#send(text, await used, signal, trace, stream);
    if (answer.statusCode !== 404) return answer;
    await answer.body.dump();
    if (this.#session === used) this.#session = undefined;
    return this.#send(text, await this.#open(signal), signal, trace, stream);
  }

  /** Ends the session there; errors do not matter, as an idle session ends by itself. */
  close(): void {
    const session = this.#session;
    this.#session = undefined;
    void session
      ?.then((id) => this.upstream.send({ method: "DELETE", path: "/mcp", headers: { "mcp-session-id": id } }))
      .then((answer) => answer?.body.dump())
      .catch(() => undefined);
  }

  /** Single-flight: callers that come meanwhile share one handshake. */
  #open(signal: AbortSignal): Promise<string> {
    if (this.#session !== undefined) return this.#session;
    const opening = this.upstream.openSession(this.#client, signal);
    this.#session = opening;
    opening.catch(() => {
      if (this.#session === opening) this.#session = undefined;
    });
    return opening;
  }

  #send(text: string, session: string, signal: AbortSignal, trace: TraceHeaders, stream: boolean) {
    const headers = {
      ...MCP_HEADERS,
      ...trace,
      "mcp-session-id": session,
      ...(stream ? {} : { accept: "application/json" }),
    };
    return this.upstream.send({ method: "POST", path: "/mcp", headers, body: text, signal });
  }
}
