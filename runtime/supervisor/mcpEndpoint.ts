import type { IncomingMessage, ServerResponse } from "node:http";
import { EnvelopeError, errorText, idKey, parseEnvelope, resultText, type Envelope } from "../wire/envelope.ts";
import { asFault, Fault } from "../wire/faults.ts";
import { COMMON_HEADER, PRINCIPAL_HEADER } from "../wire/gatewayHeaders.ts";
import { header, readBody, sendText } from "../wire/httpIo.ts";
import { checkRevision, negotiate } from "../wire/revisions.ts";
import { parseEventId } from "../wire/sse.ts";
import type { ReplyTarget } from "../wire/replyTarget.ts";
import type { SessionStore } from "../wire/sessionStore.ts";
import { withTrace } from "../wire/traceMeta.ts";
import type { TrunkHead } from "../wire/trunkFrames.ts";
import type { Backend } from "./backend.ts";
import { sendFault } from "./faultReply.ts";
import { PostReply } from "./postReply.ts";
import { Session } from "./session.ts";
import type { Settings } from "./settings.ts";

interface RequestHead extends TrunkHead {
  /** Asks for the principal's common session; only `initialize` looks at it. */
  readonly common?: boolean;
}

export interface McpEndpointOptions {
  readonly sessions: SessionStore<Session>;
  readonly backend: Backend;
  readonly settings: () => Settings;
  /** Called once per client request, with the HTTP status or the fault it ended in. */
  readonly observe: (method: string, outcome: string, seconds: number) => void;
}

/** MCP Streamable HTTP of one server: POST, GET and DELETE on one path. */
export class McpEndpoint {
  readonly #options: McpEndpointOptions;
  #running = 0;
  #stopping: string | undefined;
  #drained: (() => void) | undefined;
  readonly #pauseListeners = new Set<() => void>();
  /** Principal → session for its calls without one, whichever gateway they come through. */
  readonly #common = new Map<string, Promise<Session>>();

  constructor(options: McpEndpointOptions) {
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const head = headOf(request);
      checkRevision(head.revision);
      if (request.method === "POST") {
        // a refused message is not read
        checkPost(head);
        await this.#post(head, await readBody(request, this.#options.settings().maxMessageBytes), response);
      } else if (request.method === "GET") this.#get(head, header(request, "last-event-id"), response);
      else if (request.method === "DELETE") this.#delete(head, response);
      else {
        const body = errorText(undefined, { code: -32600, message: "use POST, GET or DELETE" });
        sendText(response, 405, body, "application/json", { allow: "POST, GET, DELETE" });
      }
    } catch (error) {
      request.resume();
      sendFault(response, asFault(error));
    }
  }

  /** Refuses every further request and waits for those that run, `boundMs` at most. */
  async drain(reason: string, boundMs: number): Promise<void> {
    this.#stopping = reason;
    for (const listener of this.#pauseListeners) listener();
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, boundMs);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Takes requests again. */
  resume(): void {
    this.#stopping = undefined;
  }

  /** Calls `listener` at the begin of each drain. @returns what ends that. */
  onPause(listener: () => void): () => void {
    this.#pauseListeners.add(listener);
    return () => void this.#pauseListeners.delete(listener);
  }

  /** A message that came in one piece, by the trunk. Never rejects. */
  async message(head: RequestHead, body: string, response: ReplyTarget): Promise<void> {
    try {
      checkRevision(head.revision);
      checkPost(head);
      const { maxMessageBytes } = this.#options.settings();
      if (Buffer.byteLength(body) > maxMessageBytes)
        throw new Fault("too-large", `the body is larger than ${maxMessageBytes} bytes`);
      await this.#post(head, body, response);
    } catch (error) {
      sendFault(response, asFault(error));
    }
  }

  async #post(head: RequestHead, body: string, response: ReplyTarget): Promise<void> {
    let envelope: Envelope;
    try {
      envelope = parseEnvelope(body);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      sendText(response, 400, errorText(undefined, { code: error.code, message: error.message }), "application/json");
      return;
    }
    if (envelope.kind === "request" && this.#stopping !== undefined) {
      sendFault(response, new Fault("unavailable", this.#stopping), envelope.idText);
      return;
    }
    if (envelope.kind === "request" && envelope.method === "initialize")
      return this.#initialize(head, envelope, response);
    const session = this.#options.sessions.use(head.session, head.principal);
    if (envelope.kind === "request")
      return this.#request(session, withTrace(envelope, head), response, acceptsStream(head));
    this.#take(session, envelope);
    response.writeHead(202);
    response.end();
  }

  async #initialize(head: RequestHead, envelope: Envelope, response: ReplyTarget): Promise<void> {
    try {
      const session = head.common === true ? await this.#openCommon(head, envelope) : await this.#open(head, envelope);
      const result = { ...session.greeting, protocolVersion: session.revision };
      const text = resultText(envelope.idText ?? "null", result);
      sendText(response, 200, text, "application/json", { "mcp-session-id": session.id });
    } catch (error) {
      sendFault(response, asFault(error), envelope.idText);
    }
  }

  async #open({ principal }: RequestHead, { params = {} }: Envelope): Promise<Session> {
    const { sessions, backend, settings } = this.#options;
    const session = new Session(negotiate(params["protocolVersion"]), principal);
    sessions.add(session, settings().maxSessions);
    try {
      session.greeting = await backend.open(session, { ...params, protocolVersion: session.revision });
      return session;
    } catch (error) {
      sessions.remove(session);
      throw error;
    }
  }

  /** Single-flight: gateway replicas that come at the same time get the same session, and so the same child. */
  async #openCommon(head: RequestHead, envelope: Envelope): Promise<Session> {
    const key = head.principal ?? "";
    const known = this.#common.get(key);
    const session = await known?.catch(() => undefined);
    if (session !== undefined && this.#options.sessions.has(session)) return session;
    if (this.#common.get(key) !== known) return this.#openCommon(head, envelope);
    const opening = this.#open(head, envelope);
    this.#common.set(key, opening);
    return opening;
  }

  /** The hot path: the text goes to the child with its id replaced, and the answer back. */
  async #request(session: Session, envelope: Envelope, response: ReplyTarget, stream: boolean): Promise<void> {
    const { backend, settings, observe } = this.#options;
    const began = performance.now();
    const idText = envelope.idText ?? "null";
    const reply = new PostReply(session, response, stream);
    const key = idKey(idText);
    if (session.calls.has(key)) throw new Fault("bad-request", `the id ${idText} is in use by a running request`);
    let outcome = "ok";
    this.#running += 1;
    try {
      if (envelope.method === "ping") {
        reply.finish(resultText(idText, {}));
        return;
      }
      const own = backend.answer(session, envelope);
      if (own !== undefined) {
        reply.finish(resultText(idText, await own));
        return;
      }
      const notify = (text: string): boolean => reply.notify(text);
      const call = backend.channel(session).forward(envelope, settings().callTimeoutMs, notify);
      session.calls.set(key, { call, notify });
      // nobody could get this answer any more, so the server need not go on with it
      response.on("close", () => {
        if (!response.writableEnded && reply.needsConnection) call.cancel("the client closed the connection");
      });
      reply.finish(await call.answer);
    } catch (error) {
      const fault = asFault(error);
      outcome = fault.kind;
      reply.fail(fault, idText);
    } finally {
      session.calls.delete(key);
      this.#running -= 1;
      if (this.#running === 0) this.#drained?.();
      observe(envelope.method, outcome, (performance.now() - began) / 1000);
    }
  }

  #take(session: Session, envelope: Envelope): void {
    const { backend } = this.#options;
    if (envelope.kind === "response") backend.answered(session, envelope);
    else if (envelope.method === "notifications/cancelled") {
      const reason = envelope.params?.["reason"];
      const key = idKey(JSON.stringify(envelope.params?.["requestId"] ?? null));
      session.calls.get(key)?.call.cancel(typeof reason === "string" ? reason : "cancelled by the client");
    } else backend.notified(session, envelope);
  }

  #get(head: RequestHead, last: string | undefined, response: ReplyTarget): void {
    if (!acceptsStream(head)) throw new Fault("not-acceptable", "Accept must name text/event-stream");
    const session = this.#options.sessions.use(head.session, head.principal);
    if (last === undefined) {
      session.openStanding().attach(response, {});
      return;
    }
    const event = parseEventId(last);
    const stream = event === undefined ? undefined : session.stream(event.stream);
    if (event === undefined || stream === undefined) throw new Fault("not-found", "this event is not kept any more");
    stream.attach(response, {}, event.sequence);
  }

  #delete(head: RequestHead, response: ReplyTarget): void {
    const { sessions } = this.#options;
    sessions.remove(sessions.use(head.session, head.principal));
    response.writeHead(200, { "content-length": 0 });
    response.end();
  }
}

function headOf(request: IncomingMessage): RequestHead {
  return {
    session: header(request, "mcp-session-id"),
    revision: header(request, "mcp-protocol-version"),
    accept: header(request, "accept"),
    contentType: header(request, "content-type"),
    traceparent: header(request, "traceparent"),
    tracestate: header(request, "tracestate"),
    principal: header(request, PRINCIPAL_HEADER),
    common: header(request, COMMON_HEADER) !== undefined,
  };
}

function checkPost({ accept = "*/*", contentType = "" }: RequestHead): void {
  if (!accept.includes("*/*") && !accept.includes("application/json"))
    throw new Fault("not-acceptable", "Accept must name application/json, and text/event-stream for notifications");
  if (!contentType.startsWith("application/json"))
    throw new Fault("unsupported-type", "Content-Type must be application/json");
}

const acceptsStream = ({ accept = "" }: RequestHead): boolean => accept.includes("text/event-stream");
