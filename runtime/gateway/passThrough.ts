import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { isRecord, parseEnvelope, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { header, readBody } from "../wire/httpIo.ts";
import { Deadline } from "./deadline.ts";
import type { TraceHeaders } from "./upstreamLink.ts";
import type { Upstream } from "./upstream.ts";

/** What a client's request says about the session; handed on as it is, so that any gateway replica can serve it. */
const REQUEST_HEADERS = ["accept", "content-type", "last-event-id", "mcp-protocol-version", "mcp-session-id"] as const;
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

function requestHeaders(request: IncomingMessage, trace: TraceHeaders): Record<string, string> {
  const headers: Record<string, string> = { ...trace };
  for (const name of REQUEST_HEADERS) {
    const value = header(request, name);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

function readMessage(body: string): Envelope {
  try {
    return parseEnvelope(body);
  } catch (error) {
    throw new Fault("bad-request", error instanceof Error ? error.message : String(error));
  }
}

/**
 * MCP of one server, names and sessions unchanged: the supervisor is the session's other end, so everything the
 * protocol has works through it, in both directions. Rejects with a Fault when no answer has begun.
 */
export async function passThrough(
  upstream: Upstream,
  request: IncomingMessage,
  response: ServerResponse,
  options: PassThroughOptions,
): Promise<void> {
  const { method } = request;
  if (method !== "POST" && method !== "GET" && method !== "DELETE")
    throw new Fault("bad-request", "use POST, GET or DELETE");
  let body: string | undefined;
  if (method === "POST") {
    const message = readMessage(await readBody(request, options.maxBodyBytes));
    const tool =
      message.method === "tools/call" && isRecord(message.params) ? String(message.params["name"]) : undefined;
    options.seen(message.kind === "response" ? "response" : message.method, tool);
    body = message.text;
  } else {
    request.resume();
    options.seen(method, undefined);
  }
  upstream.requireRoutable();
  const deadline = new Deadline(upstream.name, options.timeoutMs);
  response.on("close", () => deadline.cancel("the client closed the connection"));
  try {
    // a standing GET stream is no call and takes no place
    if (method === "POST") await upstream.places.acquire(deadline.remainingMs);
    try {
      const answer = await upstream.send({
        method,
        path: "/mcp",
        headers: requestHeaders(request, options.trace),
        signal: deadline.signal,
        ...(body !== undefined && { body }),
      });
      upstream.breaker.succeeded();
      const headers: OutgoingHttpHeaders = { "x-content-type-options": "nosniff" };
      for (const name of RESPONSE_HEADERS) {
        const value = answer.headers[name];
        if (value !== undefined) headers[name] = String(value);
      }
      if (String(answer.headers["content-type"]).startsWith("text/event-stream")) {
        // a stream has its own end; the deadline was for its beginning
        deadline.clear();
        response.writeHead(answer.statusCode, headers);
        response.flushHeaders();
        await pipeline(answer.body, response).catch(() => undefined);
      } else {
        const content = Buffer.from(await answer.body.arrayBuffer());
        response.writeHead(answer.statusCode, { ...headers, "content-length": content.length }).end(content);
      }
    } finally {
      if (method === "POST") upstream.places.release();
    }
  } catch (error) {
    if (error instanceof Fault && error.kind === "timeout") upstream.breaker.failed(Date.now());
    throw error;
  } finally {
    deadline.clear();
  }
}
