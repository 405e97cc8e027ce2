import {
  errorText,
  EnvelopeError,
  notificationText,
  parseEnvelope,
  progressTokenSpan,
  requestText,
  type Envelope,
} from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { findSpan, replaceSpans, type Span } from "../wire/jsonSpans.ts";

/** Bounds of one channel (R-TRN-09). */
export interface ChannelBounds {
  /** Requests that the child works on at once. */
  readonly maxConcurrent: number;
  /** Requests that wait for their turn; beyond it they are refused. */
  readonly maxQueued: number;
}

export const CHANNEL_BOUNDS: ChannelBounds = { maxConcurrent: 128, maxQueued: 512 };

export interface ChannelHandlers {
  /** Writes one message to the child. Throws Fault. */
  send(text: string): void;
  /** A request or notification of the child that belongs to no call. */
  unsolicited(envelope: Envelope): void;
  /** Something that is no message, or an answer that nobody waits for. */
  stray(text: string, reason: string): void;
}

/** A request on its way; `answer` is the response's text under the caller's own id. Rejects with a Fault. */
export interface ForwardedCall {
  readonly answer: Promise<string>;
  cancel(reason: string): void;
}

interface Pending {
  readonly text: string;
  /** The id to answer under; undefined for our own calls. */
  readonly idText: string | undefined;
  readonly progressToken: string | undefined;
  readonly notify: ((text: string) => void) | undefined;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (response: Envelope) => void;
  readonly reject: (fault: Fault) => void;
  sent: boolean;
}

/** How many ended ids are remembered, so that a late answer is told from one with a foreign id. */
const REMEMBERED_IDS = 1024;

/**
 * Many callers on one JSON-RPC connection: ids and progress tokens are replaced by our own and back, all else is
 * forwarded as it came (design decision 12).
 */
export class RpcChannel {
  readonly #handlers: ChannelHandlers;
  readonly #bounds: ChannelBounds;
  readonly #pending = new Map<number, Pending>();
  readonly #queue: number[] = [];
  #inFlight = 0;
  #nextId = 1;
  #closed: Fault | undefined;
  /** Time of the last answer in ms; tells a busy server from a dead one. */
  lastAnswerAt = 0;

  constructor(handlers: ChannelHandlers, bounds: ChannelBounds = CHANNEL_BOUNDS) {
    this.#handlers = handlers;
    this.#bounds = bounds;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Sends a caller's request; `notify` gets its progress under the caller's own token. */
  forward(envelope: Envelope, timeoutMs: number, notify: (text: string) => void): ForwardedCall {
    const id = this.#nextId;
    const edits: { span: Span; text: string }[] = [];
    if (envelope.idSpan !== undefined) edits.push({ span: envelope.idSpan, text: String(id) });
    const token = progressTokenSpan(envelope);
    if (token !== undefined) edits.push({ span: token, text: String(id) });
    const answer = this.#start({
      text: replaceSpans(envelope.text, edits),
      idText: envelope.idText,
      progressToken: token === undefined ? undefined : envelope.text.slice(token.start, token.end),
      notify,
      timeoutMs,
      what: envelope.method,
    }).then((response) =>
      replaceSpans(
        response.text,
        response.idSpan === undefined ? [] : [{ span: response.idSpan, text: envelope.idText ?? "null" }],
      ),
    );
    return { answer, cancel: (reason) => this.#cancel(id, new Fault("cancelled", reason), reason) };
  }

  /** A call of our own. Resolves to the result, rejects with a Fault, also when the server answers with an error. */
  async call(method: string, params: object, timeoutMs: number): Promise<unknown> {
    const text = requestText(this.#nextId, method, params);
    const response = await this.#start({
      text,
      idText: undefined,
      progressToken: undefined,
      notify: undefined,
      timeoutMs,
      what: method,
    });
    if (response.error !== undefined) throw new Fault("upstream", `${method}: ${response.error.message}`);
    return response.result;
  }

  /** Sends a notification or a response. Throws Fault when it cannot. */
  send(text: string): void {
    if (this.#closed !== undefined) throw this.#closed;
    this.#handlers.send(text);
  }

  /** One line of the child. Never throws. */
  receive(line: string): void {
    const start = line.search(/\S/);
    if (start === -1) return;
    // a server that floods its stdout with text must not cost an exception for each line
    if (line[start] !== "{") {
      this.#handlers.stray(line, "no JSON object");
      return;
    }
    let envelope: Envelope;
    try {
      envelope = parseEnvelope(line);
    } catch (error) {
      this.#handlers.stray(line, error instanceof EnvelopeError ? error.message : String(error));
      return;
    }
    if (envelope.kind === "response") this.#answer(envelope);
    else if (envelope.method !== "notifications/progress" || !this.#progress(envelope))
      this.#handlers.unsolicited(envelope);
  }

  /** The request with our id `idText` (JSON text) will not be answered. */
  fail(idText: string, fault: Fault): void {
    this.#settle(Number(idText))?.reject(fault);
  }

  /** An answer was longer than allowed: its call fails at once where the id can still be seen. */
  oversize(head: string, tail: string, bytes: number): void {
    const id = Number(
      /^\s*\{[^{[]*?"id"\s*:\s*(\d+)/.exec(head)?.[1] ?? /"id"\s*:\s*(\d+)\s*\}\s*$/.exec(tail)?.[1] ?? NaN,
    );
    this.#settle(id)?.reject(new Fault("upstream", `the server's answer is too large (${bytes} bytes)`));
  }

  /** The child is gone: every call fails now (R-TRN-07), those that it has seen as lost. */
  close(reason: string): void {
    this.#closed = new Fault("unavailable", reason);
    this.#queue.length = 0;
    for (const id of [...this.#pending.keys()]) {
      const pending = this.#settle(id);
      pending?.reject(pending.sent ? new Fault("lost", reason) : this.#closed);
    }
  }

  #start(
    call: Pick<Pending, "text" | "idText" | "progressToken" | "notify"> & { timeoutMs: number; what: string },
  ): Promise<Envelope> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const waits = this.#inFlight >= this.#bounds.maxConcurrent;
    if (waits && this.#queue.length >= this.#bounds.maxQueued) {
      return Promise.reject(new Fault("overloaded", `${this.#queue.length} calls are waiting already`));
    }
    const id = this.#nextId;
    this.#nextId += 1;
    const { timeoutMs, what, ...rest } = call;
    return new Promise((resolve, reject) => {
      const expired = (): void => {
        const reason = `${what} was not answered within ${timeoutMs / 1000} s`;
        this.#cancel(id, new Fault("timeout", reason), reason);
      };
      const timer = setTimeout(expired, timeoutMs);
      this.#pending.set(id, { ...rest, timer, resolve, reject, sent: false });
      if (waits) this.#queue.push(id);
      else this.#transmit(id);
    });
  }

  #transmit(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.sent = true;
    this.#inFlight += 1;
    try {
      this.#handlers.send(pending.text);
    } catch (error) {
      this.#settle(id)?.reject(error instanceof Fault ? error : new Fault("unavailable", String(error)));
    }
  }

  /** Takes a call off the books and lets the next one go. */
  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (pending.sent) this.#inFlight -= 1;
    else this.#queue.splice(this.#queue.indexOf(id), 1);
    while (this.#inFlight < this.#bounds.maxConcurrent) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#transmit(next);
    }
    return pending;
  }

  #answer(envelope: Envelope): void {
    const id = Number(envelope.idText);
    const pending = this.#settle(id);
    if (pending !== undefined) {
      this.lastAnswerAt = Date.now();
      pending.resolve(envelope);
    } else if (!(id >= 1 && id < this.#nextId && id >= this.#nextId - REMEMBERED_IDS)) {
      this.#handlers.stray(
        errorText(envelope.idText, { code: 0, message: "unknown id" }),
        "an answer to an id that was never asked",
      );
    }
  }

  /** Progress goes to its own call only; false when there is none. */
  #progress(envelope: Envelope): boolean {
    const token = envelope.params?.["progressToken"];
    const pending = typeof token === "number" ? this.#pending.get(token) : undefined;
    const span = findSpan(envelope.text, ["params", "progressToken"]);
    if (pending?.progressToken === undefined || span === undefined) return true;
    pending.notify?.(replaceSpans(envelope.text, [{ span, text: pending.progressToken }]));
    return true;
  }

  #cancel(id: number, fault: Fault, reason: string): void {
    const pending = this.#settle(id);
    if (pending === undefined) return;
    pending.reject(fault);
    if (!pending.sent || this.#closed !== undefined) return;
    try {
      this.#handlers.send(notificationText("notifications/cancelled", { requestId: id, reason }));
    } catch {
      // the child does not read any more; its next answer to anything is what counts
    }
  }
}
