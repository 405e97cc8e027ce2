import { setTimeout as sleep } from "node:timers/promises";
import { execIn } from "../containerExec.ts";
import { connectTo } from "../docker.ts";
import type { SmokeWorkload } from "./spec.ts";

const PAUSE_MS = 250;

/**
 * Runs a container's own probe until it says that all is well, or the time is over.
 * @throws Error with where to look.
 */
export async function probed(
  { containerId, dockerHost, probe = [] }: SmokeWorkload,
  deadline: number,
): Promise<string> {
  const container = connectTo(dockerHost).getContainer(containerId);
  const started = performance.now();
  for (;;) {
    const { code } = await execIn(container, [...probe]);
    if (code === 0) return `well after ${Math.round(performance.now() - started)} ms`;
    if (Date.now() + PAUSE_MS > deadline) {
      const why = code === -1 ? "it does not run" : `its probe ends with ${code}`;
      throw new Error(`${why}; docker logs ${containerId.slice(0, 12)} says more`);
    }
    await sleep(PAUSE_MS);
  }
}
