import type { OutgoingHttpHeaders } from "node:http";
import { errorText } from "../wire/envelope.ts";
import type { Fault } from "../wire/faults.ts";
import { FAULT_HEADER } from "../wire/gatewayHeaders.ts";
import { faultHeaders, sendText } from "../wire/httpIo.ts";
import type { ReplyTarget } from "../wire/replyTarget.ts";

/** Answers with a fault of our own, and tells the gateway its kind: what it may send elsewhere depends on it. */
export function sendFault(response: ReplyTarget, fault: Fault, idText?: string): void {
  const headers: OutgoingHttpHeaders = { ...faultHeaders(fault), [FAULT_HEADER]: fault.kind };
  sendText(response, fault.status, errorText(idText, fault.body), "application/json", headers);
}
