import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { isRecord, parseEnvelope, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { header, readBody } from "../wire/httpIo.ts";
import { SSE_BOUNDS } from "../wire/sse.ts";
import type { TrunkHeaders } from "../wire/trunkFrames.ts";
import { forwardCall, type Answer } from "./forwardCall.ts";
import type { TraceHeaders } from "./upstreamLink.ts";
import type { Upstream } from "./upstream.ts";

/** What a client's request says about the session; handed on as it is, so that any gateway replica can serve it. */
const REQUEST_HEADERS = ["accept", "last-event-id", "mcp-protocol-version", "mcp-session-id"] as const;
const RESPONSE_HEADERS = [
  "content-type",
  "mcp-session-id",
  "cache-control",
  "x-accel-buffering",
  "retry-after",
  "allow",
] as const;

export interface PassThroughOptions {
  readonly maxBodyBytes: number;
  readonly timeoutMs: number;
  readonly trace: TraceHeaders;
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

/** Writes an answer of the trunk to a client. A client that reads too slowly is cut off, and may resume. */
export function answerTo(response: ServerResponse, rewrite?: (text: string) => string): Answer {
  return {
    whole: (status: number, headers: TrunkHeaders, text: string): void => {
      if (response.destroyed) return;
      const content = rewrite === undefined || text === "" ? text : rewrite(text);
      const all = { ...responseHeaders(headers), "content-length": Buffer.byteLength(content) };
      response.writeHead(status, all).end(content);
    },
    begin: (status: number, headers: TrunkHeaders): void => {
      if (!response.destroyed) response.writeHead(status, responseHeaders(headers)).flushHeaders();
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
 * MCP of one server, names and sessions unchanged: the supervisor is the session's other end, so everything the
 * protocol has works through it, in both directions. Rejects with a Fault.
 */
export async function passThrough(
  upstream: Upstream,
  request: IncomingMessage,
  response: ServerResponse,
  options: PassThroughOptions,
): Promise<void> {
  const { method } = request;
  if (method === "POST") return post(upstream, request, response, options);
  request.resume();
  if (method !== "GET" && method !== "DELETE") throw new Fault("bad-request", "use POST, GET or DELETE");
  options.seen(method, undefined);
  upstream.requireRoutable();
  return relay(upstream, method, request, response, options.timeoutMs);
}

async function post(
  upstream: Upstream,
  request: IncomingMessage,
  response: ServerResponse,
  options: PassThroughOptions,
): Promise<void> {
  const message = readMessage(await readBody(request, options.maxBodyBytes));
  const tool = message.method === "tools/call" && isRecord(message.params) ? String(message.params["name"]) : undefined;
  options.seen(message.kind === "response" ? "response" : message.method, tool);
  await forwardCall({
    upstream,
    head: {
      session: header(request, "mcp-session-id"),
      revision: header(request, "mcp-protocol-version"),
      accept: header(request, "accept"),
      contentType: header(request, "content-type"),
      traceparent: options.trace.traceparent,
      tracestate: options.trace.tracestate,
    },
    body: message.text,
    answer: answerTo(response),
    what: upstream.name,
    timeoutMs: options.timeoutMs,
    cancellable: (cancel) =>
      response.on("close", () => {
        if (!response.writableFinished) cancel("the client closed the connection");
      }),
  });
}

/** A standing stream is no call and takes no place; it has a connection of its own. */
async function relay(
  upstream: Upstream,
  method: "GET" | "DELETE",
  request: IncomingMessage,
  response: ServerResponse,
  timeoutMs: number,
): Promise<void> {
  const headers: Record<string, string> = {};
  for (const name of REQUEST_HEADERS) {
    const value = header(request, name);
    if (value !== undefined) headers[name] = value;
  }
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Fault("timeout", `${upstream.name} was not answered within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  response.on("close", () => abort.abort(new Fault("cancelled", "the client closed the connection")));
  try {
    const answer = await upstream.send({ method, path: "/mcp", headers, signal: abort.signal });
    // a stream has its own end; the time was for its beginning
    clearTimeout(timer);
    response.writeHead(answer.statusCode, responseHeaders(answer.headers));
    response.flushHeaders();
    await pipeline(answer.body, response).catch(() => undefined);
  } finally {
    clearTimeout(timer);
  }
}
