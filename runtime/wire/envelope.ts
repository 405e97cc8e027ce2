import { DuplicateKeyError, findSpan, memberSpans, type Span } from "./jsonSpans.ts";

/** One JSON-RPC message: read once, then forwarded as text with at most its id and progress token replaced. */
export interface Envelope {
  readonly kind: "request" | "notification" | "response";
  /** The message on one line. */
  readonly text: string;
  /** JSON text of the id, for example `7` or `"a"`; undefined on notifications. */
  readonly idText: string | undefined;
  readonly idSpan: Span | undefined;
  /** Empty on responses. */
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>> | undefined;
  readonly isError: boolean;
  /** Parsed `result` of a response. */
  readonly result: unknown;
  readonly error: RpcErrorBody | undefined;
}

export interface RpcErrorBody {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Why a text is no JSON-RPC message; `code` is the JSON-RPC error code to answer with. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON strings hold no raw line break, so any that is left stands between tokens and may become a space. */
function onOneLine(text: string): string {
  return text.includes("\n") || text.includes("\r") ? text.replace(/[\r\n]/g, " ") : text;
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EnvelopeError(PARSE_ERROR, "the message is not valid JSON");
  }
  if (Array.isArray(value)) throw new EnvelopeError(INVALID_REQUEST, "batches are not supported: send one message");
  if (!isRecord(value)) throw new EnvelopeError(INVALID_REQUEST, "the message must be a JSON object");
  if (value["jsonrpc"] !== "2.0") throw new EnvelopeError(INVALID_REQUEST, 'the field "jsonrpc" must be "2.0"');
  return value;
}

function topLevel(text: string): Map<string, Span> {
  try {
    return memberSpans(text);
  } catch (error) {
    if (error instanceof DuplicateKeyError) throw new EnvelopeError(INVALID_REQUEST, error.message);
    throw error;
  }
}

function errorBody(value: unknown): RpcErrorBody {
  if (!isRecord(value)) return { code: -32603, message: "the server sent an error without content" };
  const code = typeof value["code"] === "number" ? value["code"] : -32603;
  const message =
    typeof value["message"] === "string" ? value["message"] : "the server sent an error without a message";
  return { code, message, data: value["data"] };
}

/** Reads one JSON-RPC message. Throws EnvelopeError with the JSON-RPC code that fits. */
export function parseEnvelope(raw: string): Envelope {
  const text = onOneLine(raw);
  const message = parseObject(text);
  const spans = topLevel(text);
  const id = message["id"];
  const idSpan = spans.get("id");
  const idText = idSpan === undefined ? undefined : text.slice(idSpan.start, idSpan.end);
  const params = message["params"];
  if (spans.has("method")) {
    const method = message["method"];
    if (typeof method !== "string") throw new EnvelopeError(INVALID_REQUEST, 'the field "method" must be a string');
    if (params !== undefined && !isRecord(params)) {
      throw new EnvelopeError(INVALID_REQUEST, 'the field "params" must be an object');
    }
    if (idSpan !== undefined && typeof id !== "string" && !Number.isSafeInteger(id)) {
      throw new EnvelopeError(INVALID_REQUEST, 'the field "id" must be a string or an integer');
    }
    const kind = idSpan === undefined ? "notification" : "request";
    return { kind, text, idText, idSpan, method, params, isError: false, result: undefined, error: undefined };
  }
  const isError = spans.has("error");
  if (isError === spans.has("result")) {
    throw new EnvelopeError(INVALID_REQUEST, 'the message must have "method", "result" or "error"');
  }
  if (idText === undefined) throw new EnvelopeError(INVALID_REQUEST, "a response must have an id");
  const error = isError ? errorBody(message["error"]) : undefined;
  return {
    kind: "response",
    text,
    idText,
    idSpan,
    method: "",
    params: undefined,
    isError,
    result: message["result"],
    error,
  };
}

/** One spelling for ids that mean the same, such as `"a"` and `"\\u0061"`. */
export function idKey(idText: string): string {
  return /^(?:-?\d{1,15}|"[^"\\]*")$/.test(idText) ? idText : JSON.stringify(JSON.parse(idText));
}

/** Where the progress token of a request stands, or undefined when it has none. */
export function progressTokenSpan(envelope: Envelope): Span | undefined {
  const meta = envelope.params?.["_meta"];
  if (!isRecord(meta) || meta["progressToken"] === undefined) return undefined;
  return findSpan(envelope.text, ["params", "_meta", "progressToken"]);
}

export function requestText(id: number | string, method: string, params: object): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

export function notificationText(method: string, params?: object): string {
  return JSON.stringify(params === undefined ? { jsonrpc: "2.0", method } : { jsonrpc: "2.0", method, params });
}

export function resultText(idText: string, result: unknown): string {
  return `{"jsonrpc":"2.0","id":${idText},"result":${JSON.stringify(result)}}`;
}

export function errorText(idText: string | undefined, error: RpcErrorBody): string {
  return `{"jsonrpc":"2.0","id":${idText ?? "null"},"error":${JSON.stringify(error)}}`;
}
