import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { ValueMap } from "../values.ts";
import type { FoundService } from "./serviceState.ts";
import { nanoseconds } from "./units.ts";

const MILLISECOND = 1e6;
const DEFAULTS = { delay: "7s", timeout: "3m" };

interface Task {
  ID: string;
  DesiredState: string;
  Status: { State: string };
}

/**
 * Waits as `convergeConfig` says until the service runs as specified; without one nothing is waited for.
 * @param formerUpdate when the update before this one began.
 * @throws Error in the official plugin's words: gone back, paused, or not in time.
 */
export async function converge(
  docker: Docker,
  id: string,
  inputs: ValueMap,
  formerUpdate: string | undefined,
  cancelled: AbortSignal,
): Promise<void> {
  const config = inputs["convergeConfig"] as { delay?: string; timeout?: string } | undefined;
  if (config === undefined) return;
  const { delay, timeout } = { ...DEFAULTS, ...config };
  const pause = (nanoseconds(delay) ?? 0) / MILLISECOND;
  const end = Date.now() + (nanoseconds(timeout) ?? 0) / MILLISECOND;
  for (;;) {
    await sleep(pause, undefined, { signal: cancelled });
    const found = (await docker.getService(id).inspect()) as FoundService;
    const status = found.UpdateStatus;
    const isNew = status !== undefined && status.StartedAt !== formerUpdate;
    if (isNew) {
      const text = `${status.State.replaceAll("_", " ")}: ${status.Message ?? ""}`;
      if (status.State === "rollback_completed") throw new Error(`service ${text}`);
      if (status.State.includes("paused")) throw new Error(`service update paused: ${status.Message ?? ""}`);
    }
    if (!isNew || status.State === "completed") {
      const tasks = (await docker.listTasks({ filters: { service: [id], "desired-state": ["running"] } })) as Task[];
      const running = tasks.filter(({ Status }) => Status.State === "running").length;
      if (running === wantedTasks(found) && running === tasks.length) return;
    }
    if (Date.now() > end) throw new NotConverged(`Service with ID (${id}) did not converge after ${timeout}`);
  }
}

/** Time is over: what was just created is taken away again, as by the official plugin. */
export class NotConverged extends Error {}

function wantedTasks({ Spec }: FoundService): number {
  const { Replicated } = Spec["Mode"] as { Replicated?: { Replicas?: number } };
  return Replicated?.Replicas ?? 0;
}
