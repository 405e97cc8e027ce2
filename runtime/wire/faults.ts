import type { RpcErrorBody } from "./envelope.ts";

/** What can go wrong between a client and a server, apart from errors that the server itself answers with. */
export type FaultKind =
  | "bad-request"
  | "unauthorised"
  | "forbidden"
  | "not-found"
  | "not-acceptable"
  | "unsupported-type"
  | "unsupported-revision"
  | "too-large"
  | "too-many"
  | "cancelled"
  | "upstream"
  /** The server ended while it worked on the call, so that nobody knows what it did. */
  | "lost"
  /** Nobody has looked at the call: it may go elsewhere. */
  | "unavailable"
  | "overloaded"
  | "timeout";

interface FaultAnswer {
  readonly status: number;
  readonly code: number;
  readonly retryAfterSeconds?: number;
}

/** HTTP status and JSON-RPC code of each fault (R-GW-05, R-GW-06); -32001 is the SDK's own code for a timeout. */
const ANSWERS: Readonly<Record<FaultKind, FaultAnswer>> = {
  "bad-request": { status: 400, code: -32600 },
  unauthorised: { status: 401, code: -32600 },
  forbidden: { status: 403, code: -32600 },
  "not-found": { status: 404, code: -32602 },
  "not-acceptable": { status: 406, code: -32600 },
  "unsupported-type": { status: 415, code: -32600 },
  // UnsupportedProtocolVersion of revision 2026-07-28; a client that speaks both falls back by it
  "unsupported-revision": { status: 400, code: -32022 },
  "too-large": { status: 413, code: -32600 },
  "too-many": { status: 429, code: -32004, retryAfterSeconds: 1 },
  // 499 is nginx' status for a request that its client gave up; -32800 is what LSP uses
  cancelled: { status: 499, code: -32800 },
  upstream: { status: 502, code: -32000 },
  lost: { status: 502, code: -32000 },
  unavailable: { status: 503, code: -32003, retryAfterSeconds: 2 },
  overloaded: { status: 503, code: -32004, retryAfterSeconds: 1 },
  timeout: { status: 504, code: -32001 },
};

/** What a Fault says beside its text. */
export interface FaultOptions {
  /** Goes into the error's data, for clients that act on it. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** @default what fits its kind */
  readonly retryAfterSeconds?: number;
}

/** A failure with its HTTP status; never passed on as 200. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly kind: FaultKind;
  readonly status: number;
  readonly code: number;
  readonly retryAfterSeconds: number | undefined;

  readonly #details: Readonly<Record<string, unknown>>;

  constructor(kind: FaultKind, message: string, { details = {}, retryAfterSeconds }: FaultOptions = {}) {
    super(message);
    this.#details = details;
    const answer = ANSWERS[kind];
    this.kind = kind;
    this.status = answer.status;
    this.code = answer.code;
    this.retryAfterSeconds = retryAfterSeconds ?? answer.retryAfterSeconds;
  }

  get body(): RpcErrorBody {
    return { code: this.code, message: this.message, data: { fault: this.kind, ...this.#details } };
  }
}

/** Any thrown value as a Fault; what nobody foresaw is the upstream's (502), never a success. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault("upstream", error instanceof Error ? error.message : String(error));
}
