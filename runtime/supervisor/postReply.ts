import { errorText } from "../wire/envelope.ts";
import type { Fault } from "../wire/faults.ts";
import { sendText } from "../wire/httpIo.ts";
import type { ReplyTarget } from "../wire/replyTarget.ts";
import type { SseStream } from "../wire/sse.ts";
import { sendFault } from "./faultReply.ts";
import type { Session } from "./session.ts";

/**
 * The answer to one POSTed request: plain JSON as long as nothing comes before the result, a stream from the first
 * notification on.
 */
export class PostReply {
  readonly #session: Session;
  readonly #response: ReplyTarget;
  readonly #acceptsStream: boolean;
  #stream: SseStream | undefined;

  constructor(session: Session, response: ReplyTarget, acceptsStream: boolean) {
    this.#session = session;
    this.#response = response;
    this.#acceptsStream = acceptsStream;
  }

  /** True while a lost connection would lose the answer for good. */
  get needsConnection(): boolean {
    return this.#stream === undefined;
  }

  notify(text: string): boolean {
    if (!this.#acceptsStream) return false;
    if (this.#stream === undefined) {
      if (this.#response.destroyed) return false;
      this.#stream = this.#session.openStream();
      this.#stream.attach(this.#response, {});
    }
    this.#stream.send(text);
    return true;
  }

  finish(text: string): void {
    if (this.#stream === undefined) sendText(this.#response, 200, text, "application/json");
    else {
      this.#stream.send(text);
      this.#stream.end();
    }
  }

  fail(fault: Fault, idText: string | undefined): void {
    if (this.#stream === undefined) sendFault(this.#response, fault, idText);
    else this.finish(errorText(idText, fault.body));
  }
}
