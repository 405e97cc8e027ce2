import type { ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import { parseEnvelope, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { sendText } from "../wire/httpIo.ts";
import { replaceSpans, type Span } from "../wire/jsonSpans.ts";
import { SseParser } from "../wire/sse.ts";
import type { AggregateSession } from "./aggregateSession.ts";
import { Deadline } from "./deadline.ts";
import type { Upstream } from "./upstream.ts";
import type { TraceHeaders } from "./upstreamLink.ts";

/** Joins a server's name and its own request id in the id that the client sees; the client's answer finds back by it. */
const ID_SEPARATOR = "|";
/** An event that never ends must not fill the memory. */
const MAX_EVENT_CHARS = 16 << 20;

let nextId = 1;

/** `"server|7"` → where the answer belongs and the id to answer under; undefined when it is not one of ours. */
export function splitServerId(idText: string): { readonly server: string; readonly idText: string } | undefined {
  const id: unknown = JSON.parse(idText);
  const at = typeof id === "string" ? id.indexOf(ID_SEPARATOR) : -1;
  if (typeof id !== "string" || at <= 0) return undefined;
  return { server: id.slice(0, at), idText: id.slice(at + 1) };
}

/** One message of the server as the client must see it: its answer under the client's id, its requests under a joint id. */
export function rewriteForClient(text: string, server: string, clientIdText: string): string {
  const envelope = parseEnvelope(text);
  if (envelope.idSpan === undefined) return envelope.text;
  const id =
    envelope.kind === "response" ? clientIdText : JSON.stringify(`${server}${ID_SEPARATOR}${envelope.idText ?? ""}`);
  return replaceSpans(envelope.text, [{ span: envelope.idSpan, text: id }]);
}

export interface AggregateCallOptions {
  readonly session: AggregateSession;
  readonly upstream: Upstream;
  readonly key: string;
  readonly request: Envelope;
  /** Replaces the joint name by the server's own. */
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
  readonly response: ServerResponse;
  readonly timeoutMs: number;
  readonly trace: TraceHeaders;
}

/** Sends a request of an aggregate session to its server and the answer back. Rejects with a Fault before it has begun. */
export async function aggregateCall(options: AggregateCallOptions): Promise<void> {
  const { session, upstream, key, request, edits, response, timeoutMs, trace } = options;
  upstream.requireRoutable();
  const deadline = new Deadline(`${upstream.name}: ${request.method}`, timeoutMs);
  const gone = (): void => deadline.cancel("the client closed the connection");
  response.on("close", gone);
  const upstreamId = nextId++;
  const link = session.link(upstream);
  session.calls.set(key, { link, upstreamId, cancel: (reason) => deadline.cancel(reason) });
  try {
    await upstream.places.acquire(deadline.remainingMs);
    try {
      const idEdit = request.idSpan === undefined ? [] : [{ span: request.idSpan, text: String(upstreamId) }];
      const text = replaceSpans(request.text, [...idEdit, ...edits]);
      const answer = await link.post(text, deadline.signal, trace);
      await relay(answer, upstream.name, request.idText ?? "null", response);
      upstream.breaker.succeeded();
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      throw error;
    } finally {
      upstream.places.release();
    }
  } catch (error) {
    if (error instanceof Fault && error.kind === "timeout") upstream.breaker.failed(Date.now());
    throw error;
  } finally {
    response.off("close", gone);
    session.calls.delete(key);
    deadline.clear();
  }
}

async function relay(
  answer: Dispatcher.ResponseData,
  server: string,
  idText: string,
  response: ServerResponse,
): Promise<void> {
  if (!String(answer.headers["content-type"]).startsWith("text/event-stream")) {
    const text = rewriteForClient(await answer.body.text(), server, idText);
    const retryAfter = answer.headers["retry-after"];
    sendText(
      response,
      answer.statusCode,
      text,
      "application/json",
      retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
    );
    return;
  }
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  const parser = new SseParser();
  answer.body.setEncoding("utf8");
  for await (const piece of answer.body) {
    for (const data of parser.push(String(piece))) {
      const more = response.write(`event: message\ndata: ${rewriteForClient(data, server, idText)}\n\n`);
      if (!more && !response.destroyed)
        await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
    }
    if (parser.pendingLength > MAX_EVENT_CHARS)
      throw new Fault("upstream", `${server} sent an event that is too large`);
  }
  response.end();
}
