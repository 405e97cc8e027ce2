import type { Envelope } from "../wire/envelope.ts";
import type { RpcChannel } from "./rpcChannel.ts";
import type { Session } from "./session.ts";

/** How sessions reach children: all of them one (shared) or each its own (isolated). */
export interface Backend {
  /** Connects a new session; resolves to the child's initialize result. Rejects with a Fault. */
  open(session: Session, params: object): Promise<Readonly<Record<string, unknown>>>;
  /** Throws Fault "unavailable" while the session's child does not run. */
  channel(session: Session): RpcChannel;
  /** Answers a request by itself where all sessions share a setting; undefined: forward it. */
  answer(session: Session, request: Envelope): Promise<object> | undefined;
  /** A notification of the client, other than a cancellation. */
  notified(session: Session, notification: Envelope): void;
  /** The client's answer to a request of the server. */
  answered(session: Session, response: Envelope): void;
  closed(session: Session): void;
}
