import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { errorText, isRecord, parseEnvelope, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { PRINCIPAL_HEADER } from "../wire/gatewayHeaders.ts";
import { header, readBody, sendText } from "../wire/httpIo.ts";
import { SSE_BOUNDS } from "../wire/sse.ts";
import type { TrunkHeaders } from "../wire/trunkFrames.ts";
import { forwardCall, type Answer } from "./forwardCall.ts";
import type { Caller } from "./execute.ts";
import { routedCall } from "./routedCall.ts";
import type { RoutedServer } from "./routedServer.ts";
import { RpcMistake } from "./rpcMistake.ts";
import type { ServerScope } from "./scope.ts";
import { findSession, publicSessionId } from "./sessionRoute.ts";
import { isFiltered, narrowAnswer, narrowMessage } from "./someTools.ts";
import type { Upstream } from "./upstream.ts";
import type { VisibleServer } from "./visibleServers.ts";

const JSON_TYPE = "application/json";

/** What a client's GET or DELETE says, handed on as it is. */
const REQUEST_HEADERS = ["accept", "last-event-id", "mcp-protocol-version"] as const;
const RESPONSE_HEADERS = ["content-type", "cache-control", "x-accel-buffering", "retry-after", "allow"] as const;

export interface PassThroughOptions {
  readonly maxBodyBytes: number;
  readonly timeoutMs: number;
  readonly caller: Caller;
  /** Told what the message is once it is read: method, and the tool of a call. */
  readonly seen: (method: string, tool: string | undefined) => void;
}

function readMessage(body: string): Envelope {
  try {
    return parseEnvelope(body);
  } catch (error) {
    throw new Fault("bad-request", error instanceof Error ? error.message : String(error));
  }
}

function responseHeaders(given: Readonly<Record<string, string | string[] | undefined>>): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "x-content-type-options": "nosniff" };
  for (const name of RESPONSE_HEADERS) {
    const value = given[name];
    if (value !== undefined) headers[name] = String(value);
  }
  return headers;
}

export interface AnswerOptions {
  /** Puts the client's own ids into a message. */
  readonly rewrite?: (text: string) => string;
  /** Where a session that the answer opens lives. @default the session is not the client's */
  readonly upstream?: Upstream;
}

/** Writes an answer of the trunk to a client. A client that reads too slowly is cut off, and may resume. */
export function answerTo(response: ServerResponse, { rewrite, upstream }: AnswerOptions): Answer {
  const headersFor = (headers: TrunkHeaders): OutgoingHttpHeaders => {
    const session = headers["mcp-session-id"];
    const opened = upstream !== undefined && session !== undefined;
    return { ...responseHeaders(headers), ...(opened && { "mcp-session-id": publicSessionId(upstream, session) }) };
  };
  return {
    whole: (status: number, headers: TrunkHeaders, text: string): void => {
      if (response.destroyed) return;
      const content = rewrite === undefined || text === "" ? text : rewrite(text);
      const all = { ...headersFor(headers), "content-length": Buffer.byteLength(content) };
      response.writeHead(status, all).end(content);
    },
    begin: (status: number, headers: TrunkHeaders): void => {
      if (!response.destroyed) response.writeHead(status, headersFor(headers)).flushHeaders();
    },
    piece: (text: string): void => {
      if (response.destroyed) return;
      response.write(text);
      if (response.writableLength <= SSE_BOUNDS.maxSocketBytes) return;
      response.destroy();
      throw new Fault("cancelled", "the client does not read");
    },
    end: (): void => {
      response.end();
    },
  };
}

/**
 * MCP of one server, names unchanged: the supervisor is the session's other end, so everything the protocol has works
 * through it, in both directions. Rejects with a Fault.
 */
export async function passThrough(
  { server, scope }: VisibleServer,
  request: IncomingMessage,
  response: ServerResponse,
  options: PassThroughOptions,
): Promise<void> {
  const { method } = request;
  if (method === "POST") return post(server, scope, request, response, options);
  request.resume();
  if (method !== "GET" && method !== "DELETE") throw new Fault("bad-request", "use POST, GET or DELETE");
  options.seen(method, undefined);
  if (method === "GET" && !scope.whole && !isOwnStream(server, request)) {
    sendText(response, 405, errorText(undefined, { code: -32600, message: "use POST or DELETE" }), JSON_TYPE, {
      allow: "POST, DELETE",
    });
    return;
  }
  return relay(server, method, request, response, options);
}

/** A shared server's standing stream tells its log, other callers' calls included; what answers a call is its caller's. */
function isOwnStream({ contract }: RoutedServer, request: IncomingMessage): boolean {
  return contract.sharing === "isolated" || header(request, "last-event-id") !== undefined;
}

async function post(
  server: RoutedServer,
  scope: ServerScope,
  request: IncomingMessage,
  response: ServerResponse,
  options: PassThroughOptions,
): Promise<void> {
  const message = readMessage(await readBody(request, options.maxBodyBytes));
  const tool = message.method === "tools/call" && isRecord(message.params) ? String(message.params["name"]) : undefined;
  options.seen(message.kind === "response" ? "response" : message.method, tool);
  if (scope.whole) {
    const sent = { method: message.method, tool, body: message.text, accept: header(request, "accept") };
    return send(server, sent, request, response, options, (upstream) => answerTo(response, { upstream }));
  }
  try {
    const body = narrowMessage(message, scope);
    if (body === undefined) {
      response.writeHead(202).end();
      return;
    }
    const filtered = isFiltered(message.method);
    const sent = { method: message.method, tool, body, accept: filtered ? JSON_TYPE : header(request, "accept") };
    await send(server, sent, request, response, options, (upstream) =>
      filtered
        ? narrowedAnswer(answerTo(response, { upstream, rewrite: narrowing(message.method, scope) }), server)
        : answerTo(response, { upstream }),
    );
  } catch (error) {
    if (!(error instanceof RpcMistake)) throw error;
    const { code } = error;
    sendText(response, 200, errorText(message.idText, { code, message: error.message }), JSON_TYPE);
  }
}

const narrowing =
  (method: string, scope: ServerScope) =>
  (text: string): string =>
    narrowAnswer(method, text, scope);

/** The server was told that nobody takes a stream here. */
function narrowedAnswer(answer: Answer, { name }: RoutedServer): Answer {
  return {
    whole: (...given) => answer.whole(...given),
    begin: () => {
      throw new Fault("upstream", `${name} answered with a stream that nobody asked for`);
    },
  };
}

/** A message on its way to the server. */
interface Sent {
  readonly method: string;
  readonly tool: string | undefined;
  readonly body: string;
  readonly accept: string | undefined;
}

async function send(
  server: RoutedServer,
  { method, tool, body, accept }: Sent,
  request: IncomingMessage,
  response: ServerResponse,
  { timeoutMs, caller }: PassThroughOptions,
  answer: (upstream: Upstream) => Answer,
): Promise<void> {
  const session = method === "initialize" ? undefined : header(request, "mcp-session-id");
  const place = session === undefined ? undefined : findSession(server, session);
  await routedCall({
    server,
    tool,
    timeoutMs,
    choose: (avoided) => {
      if (place === undefined) return server.pick({ avoided, tool });
      if (avoided.has(place.upstream) || !place.upstream.routable) throw server.unavailable();
      return place.upstream;
    },
    attempt: (upstream, endsAt) =>
      forwardCall({
        upstream,
        head: {
          session: place?.id,
          revision: header(request, "mcp-protocol-version"),
          accept,
          contentType: header(request, "content-type"),
          traceparent: caller.trace.traceparent,
          tracestate: caller.trace.tracestate,
          principal: caller.principal,
        },
        body,
        answer: answer(upstream),
        what: server.name,
        endsAt,
        timeoutMs,
        cancellable: (cancel) =>
          response.on("close", () => {
            if (!response.writableFinished) cancel("the client closed the connection");
          }),
      }),
  });
}

/** A standing stream is no call and takes no place; it has a connection of its own. */
async function relay(
  server: RoutedServer,
  method: "GET" | "DELETE",
  request: IncomingMessage,
  response: ServerResponse,
  { timeoutMs, caller }: PassThroughOptions,
): Promise<void> {
  const session = header(request, "mcp-session-id");
  const place = session === undefined ? { upstream: server.pick(), id: undefined } : findSession(server, session);
  const headers: Record<string, string> = { [PRINCIPAL_HEADER]: caller.principal };
  for (const name of REQUEST_HEADERS) {
    const value = header(request, name);
    if (value !== undefined) headers[name] = value;
  }
  if (place.id !== undefined) headers["mcp-session-id"] = place.id;
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Fault("timeout", `${server.name} was not answered within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  response.on("close", () => abort.abort(new Fault("cancelled", "the client closed the connection")));
  try {
    const answer = await place.upstream.send({ method, path: "/mcp", headers, signal: abort.signal });
    // a stream has its own end; the time was for its beginning
    clearTimeout(timer);
    response.writeHead(answer.statusCode, responseHeaders(answer.headers));
    response.flushHeaders();
    await pipeline(answer.body, response).catch(() => undefined);
  } finally {
    clearTimeout(timer);
  }
}
