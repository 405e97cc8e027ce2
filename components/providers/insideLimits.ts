import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { SERVICE_PORT } from "../../runtime/contract/index.ts";
import { execIn } from "./containerExec.ts";

/** A difference that the supervisor sees between its contract and its own kernel limits. */
export interface InsideGap {
  limit: string;
  declared: number;
  /** null: no limit; "unknown": the kernel does not say. */
  actual: number | null | "unknown";
}

/** A supervisor answers within half a second of its start on an idle host; ten leave room for a busy one. */
const DEADLINE_MS = 10_000;
const PAUSE_MS = 150;

/**
 * Asks the supervisor in a running container what limits it lives under, by its own `/limits`.
 * @throws Error when it does not answer within 10 s.
 */
export async function readInsideGaps(container: Docker.Container): Promise<InsideGap[]> {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await execIn(container, ["/usr/bin/curl", "-sf", `http://127.0.0.1:${SERVICE_PORT}/limits`]);
    if (answer.code === 0) return (JSON.parse(answer.stdout) as { gaps: InsideGap[] }).gaps;
    if (Date.now() > end) {
      throw new Error(
        `the supervisor did not answer on /limits within ${DEADLINE_MS / 1000} s; docker logs ${container.id.slice(0, 12)} says why`,
      );
    }
    await sleep(PAUSE_MS);
  }
}
