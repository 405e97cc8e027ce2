import { randomBytes } from "node:crypto";

/** Gateway replicas share sessions, so ids must differ between them too. */
const PREFIX = randomBytes(6).toString("base64url");
let count = 0;

/** An id for a call of our own: no other call of any gateway has it. */
export function nextCallId(): string {
  count += 1;
  return `${PREFIX}-${count}`;
}
