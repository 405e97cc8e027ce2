/**
 * The trunk: one connection between a gateway and a supervisor that carries all calls of all clients, opened by an HTTP
 * upgrade. A connection per call costs each side a read and a write per message, and those are most of what a call
 * costs; here the messages of one turn of the event loop share one.
 *
 * Every frame is one line: a letter, the call's number, then fields behind tabs. JSON has no raw tab and no raw line
 * break, so neither can stand inside a field.
 */

/** Names the frames below in the upgrade; a peer that speaks others is refused. */
export const TRUNK_PROTOCOL = "mcp-estate-trunk/1";
export const TRUNK_PATH = "/trunk";
/** Largest message of a client that a gateway hands on; what a supervisor takes may be less. */
export const MAX_CALL_BYTES = 8 << 20;
/** Room for the fields of a frame beside its message. */
export const FRAME_OVERHEAD_BYTES = 64 << 10;

/** What a client's request says beside its body; undefined where it had no such header. */
export interface TrunkHead {
  readonly session: string | undefined;
  readonly revision: string | undefined;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** Who calls, as the gateway knows it. */
  readonly principal: string | undefined;
}

/** Gateway → supervisor: a call, or its client has gone. */
export type TrunkRequest =
  | { readonly kind: "call"; readonly id: number; readonly head: TrunkHead; readonly body: string }
  | { readonly kind: "gone"; readonly id: number };

export type TrunkHeaders = Readonly<Record<string, string>>;

/**
 * Supervisor → gateway: a whole answer, or the begin, pieces and end of a stream; `cut` ends it without an end.
 * `pause`, which is about no call, says that further ones will be refused for a moment: it is being stopped to be
 * replaced, or restarts its server, and both are meant.
 */
export type TrunkReply =
  | {
      readonly kind: "whole";
      readonly id: number;
      readonly status: number;
      readonly headers: TrunkHeaders;
      readonly text: string;
    }
  | { readonly kind: "begin"; readonly id: number; readonly status: number; readonly headers: TrunkHeaders }
  | { readonly kind: "piece"; readonly id: number; readonly text: string }
  | { readonly kind: "end"; readonly id: number }
  | { readonly kind: "cut"; readonly id: number }
  | { readonly kind: "pause"; readonly id: 0 };

/** A line that is no frame: the peers do not understand each other, and the connection is of no use. */
export class TrunkError extends Error {
  override readonly name = "TrunkError";
}

const onOneLine = (text: string): string => (/[\r\n]/.test(text) ? text.replace(/[\r\n]/g, " ") : text);

export function encodeCall(id: number, head: TrunkHead, body: string): string {
  const { session, revision, accept, contentType, traceparent, tracestate, principal } = head;
  const fields = JSON.stringify([session, revision, accept, contentType, traceparent, tracestate, principal]);
  return `C${id}\t${fields}\t${onOneLine(body)}\n`;
}

export function encodeGone(id: number): string {
  return `X${id}\n`;
}

export function encodeReply(reply: TrunkReply): string {
  const { id } = reply;
  switch (reply.kind) {
    case "whole":
      return `R${id}\t${reply.status}\t${JSON.stringify(reply.headers)}\t${onOneLine(reply.text)}\n`;
    case "begin":
      return `B${id}\t${reply.status}\t${JSON.stringify(reply.headers)}\n`;
    case "piece":
      return `P${id}\t${JSON.stringify(reply.text)}\n`;
    case "end":
      return `E${id}\n`;
    case "cut":
      return `D${id}\n`;
    case "pause":
      return `W${id}\n`;
  }
}

/** The line's first `count` fields, the last of them up to the line's end. Throws TrunkError. */
function fieldsOf(line: string, count: number): string[] {
  const fields: string[] = [];
  let at = 1;
  for (let index = 1; index < count; index += 1) {
    const tab = line.indexOf("\t", at);
    if (tab === -1) throw new TrunkError(`a frame ${line.slice(0, 1)} with ${index} fields instead of ${count}`);
    fields.push(line.slice(at, tab));
    at = tab + 1;
  }
  fields.push(line.slice(at));
  return fields;
}

const optional = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Throws TrunkError. */
export function decodeRequest(line: string): TrunkRequest {
  if (line.startsWith("X")) return { kind: "gone", id: Number(line.slice(1)) };
  if (!line.startsWith("C")) throw new TrunkError(`an unknown frame ${JSON.stringify(line.slice(0, 20))}`);
  const [id = "", json = "", body = ""] = fieldsOf(line, 3);
  const fields = JSON.parse(json) as unknown[];
  const [session, revision, accept, contentType, traceparent, tracestate, principal] = fields.map(optional);
  return {
    kind: "call",
    id: Number(id),
    head: { session, revision, accept, contentType, traceparent, tracestate, principal },
    body,
  };
}

/** Throws TrunkError. */
export function decodeReply(line: string): TrunkReply {
  switch (line[0]) {
    case "R": {
      const [id = "", status = "", headers = "", text = ""] = fieldsOf(line, 4);
      return {
        kind: "whole",
        id: Number(id),
        status: Number(status),
        headers: JSON.parse(headers) as TrunkHeaders,
        text,
      };
    }
    case "B": {
      const [id = "", status = "", headers = ""] = fieldsOf(line, 3);
      return { kind: "begin", id: Number(id), status: Number(status), headers: JSON.parse(headers) as TrunkHeaders };
    }
    case "P": {
      const [id = "", text = ""] = fieldsOf(line, 2);
      return { kind: "piece", id: Number(id), text: JSON.parse(text) as string };
    }
    case "E":
      return { kind: "end", id: Number(line.slice(1)) };
    case "D":
      return { kind: "cut", id: Number(line.slice(1)) };
    case "W":
      return { kind: "pause", id: 0 };
    default:
      throw new TrunkError(`an unknown frame ${JSON.stringify(line.slice(0, 20))}`);
  }
}
