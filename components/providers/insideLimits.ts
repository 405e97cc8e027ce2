import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { SERVICE_PORT } from "../../runtime/contract/index.ts";
import { execIn } from "./containerExec.ts";
import { withoutFrames } from "./logFrames.ts";

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
const LAST_LINES = 8;
const LONGEST_LINE = 300;

/**
 * Waits until the program in a running container says on /ready that it works: a supervisor that its server has given a real
 * MCP answer, a gateway that it takes calls; or until `command` ends with 0 in it.
 * @throws Error with the program's own reason when it does not in time.
 */
export async function untilReady(
  container: Docker.Container,
  component: string,
  seconds: number,
  command?: readonly string[],
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const { state, reason } = await (command ? probed(container, command) : asked(container));
    if (state === "healthy" || state === "degraded") return;
    if (Date.now() > end) {
      const words = await lastWords(container);
      throw new Error(`${component} is ${state} ${seconds} s after its start: ${reason}; its last words:\n${words}`);
    }
    await sleep(PAUSE_MS);
  }
}

async function asked(container: Docker.Container): Promise<Readiness> {
  const { stdout } = await execIn(container, ["/usr/bin/curl", "-s", `http://127.0.0.1:${SERVICE_PORT}/ready`]);
  return readinessIn(stdout);
}

async function probed(container: Docker.Container, command: readonly string[]): Promise<Readiness> {
  const { code } = await execIn(container, [...command]);
  if (code === 0) return { state: "healthy", reason: "" };
  const what = code === -1 ? "its container does not run" : `its probe ends with ${code}`;
  return { state: "silent", reason: what };
}

/** Newest lines of its log, as the container may be gone when somebody looks. */
async function lastWords(container: Docker.Container): Promise<string> {
  const log = await container.logs({ stdout: true, stderr: true, tail: LAST_LINES });
  const lines = withoutFrames(log).trim().split("\n");
  return lines.map((line) => `  ${line.slice(0, LONGEST_LINE)}`).join("\n");
}

interface Readiness {
  state: string;
  reason: string;
}

function readinessIn(text: string): Readiness {
  try {
    const { state, reason } = JSON.parse(text) as { state: string; reason: string | null };
    return { state, reason: reason ?? "no reason given" };
  } catch {
    return { state: "silent", reason: "nobody answers on /ready" };
  }
}

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
