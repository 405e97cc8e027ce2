import type { ServerResponse } from "node:http";
import { parseEnvelope, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { replaceSpans, type Span } from "../wire/jsonSpans.ts";
import { SseParser } from "../wire/sse.ts";
import type { AggregateSession } from "./aggregateSession.ts";
import { nextCallId } from "./callId.ts";
import type { Answer } from "./forwardCall.ts";
import { answerTo } from "./passThrough.ts";
import { routedCall } from "./routedCall.ts";
import type { RoutedServer } from "./routedServer.ts";
import type { TraceHeaders } from "./upstreamLink.ts";

/** Joins a server's name and its own request id in the id that the client sees; the client's answer finds back by it. */
const ID_SEPARATOR = "|";
/** An event that never ends must not fill the memory. */
const MAX_EVENT_CHARS = 16 << 20;

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
  readonly server: RoutedServer;
  /** The tool that is called, where it is one. */
  readonly tool: string | undefined;
  readonly key: string;
  readonly request: Envelope;
  /** Replaces the joint name by the server's own. */
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
  readonly response: ServerResponse;
  readonly timeoutMs: number;
  readonly trace: TraceHeaders;
}

/** Sends a request of an aggregate session to its server and the answer back. Rejects with a Fault. */
export async function aggregateCall(options: AggregateCallOptions): Promise<void> {
  const { session, server, tool, key, request, edits, response, timeoutMs, trace } = options;
  const upstreamId = nextCallId();
  const idEdit = request.idSpan === undefined ? [] : [{ span: request.idSpan, text: JSON.stringify(upstreamId) }];
  const body = replaceSpans(request.text, [...idEdit, ...edits]);
  try {
    await routedCall({
      server,
      tool,
      timeoutMs,
      choose: (avoided) => session.choose(server, avoided, tool),
      attempt: (upstream, endsAt) => {
        const link = session.link(server, upstream);
        return link.call({
          body,
          answer: rewriting(response, server.name, request.idText ?? "null"),
          what: `${server.name}: ${request.method}`,
          endsAt,
          timeoutMs,
          trace,
          stream: true,
          cancellable: (cancel) => {
            session.calls.set(key, { link, upstreamId, cancel });
            response.on("close", () => {
              if (!response.writableFinished) cancel("the client closed the connection");
            });
          },
        });
      },
    });
  } finally {
    session.calls.delete(key);
  }
}

/** The ids in the answer become the client's; a stream is taken apart and put together again for that. */
function rewriting(response: ServerResponse, server: string, idText: string): Answer {
  const rewrite = (text: string): string => rewriteForClient(text, server, idText);
  const plain = answerTo(response, { rewrite });
  const parser = new SseParser();
  return {
    ...plain,
    piece: (piece: string): void => {
      for (const data of parser.push(piece)) plain.piece?.(`event: message\ndata: ${rewrite(data)}\n\n`);
      if (parser.pendingLength > MAX_EVENT_CHARS)
        throw new Fault("upstream", `${server} sent an event that is too large`);
    },
  };
}
