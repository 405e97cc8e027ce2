import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { SwarmServiceSpec } from "./inputs.ts";
import type { InspectedService } from "./spec.ts";
import { causes, isFailed, tasksOf, type Task } from "./tasks.ts";

const LOOK_MS = 500;
/** A task that is started anew for the third time will not come up by itself. */
const TRIES = 3;

export interface Wanted {
  service: InspectedService;
  spec: SwarmServiceSpec;
  /** Nodes that take tasks of it, where each has one. */
  nodes: number;
  /** When the update began, as the manager's clock has it: older tasks are of earlier ones. */
  since: string;
  /** Of the update before this one. */
  formerUpdate: string | undefined;
  timeoutSeconds: number;
}

/**
 * Waits until all tasks of a service run as specified: well by their own probes, and watched as long as its update says.
 * @returns the running tasks.
 * @throws Error with the tasks' own words when Docker goes back or pauses, tasks fail again and again, or time is over.
 */
export async function converge(docker: Docker, wanted: Wanted): Promise<Task[]> {
  const { service, spec, since, formerUpdate, timeoutSeconds } = wanted;
  const end = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const { UpdateStatus: update, Spec } = (await docker.getService(service.ID).inspect()) as InspectedService;
    const tasks = await tasksOf(docker, service.ID);
    const isNew = update !== undefined && update.StartedAt !== formerUpdate;
    if (isNew && /^rollback_completed$|paused/.test(update.State)) {
      throw await failure(docker, tasks, wanted, ending(update.State));
    }
    if (!isNew || update.State === "completed") {
      const running = current(tasks, Spec.TaskTemplate.ContainerSpec.Image, Spec.TaskTemplate.ForceUpdate);
      if (running.length === wantedTasks(wanted) && !tasks.some(isLeftOver(Spec.TaskTemplate.ContainerSpec.Image)))
        return running;
    }
    // Docker itself goes back from an update; nothing does from a service that is new.
    const fresh = tasks.filter((task) => isFailed(task) && task.CreatedAt >= since);
    if (!isNew && fresh.length >= TRIES * Math.max(1, wantedTasks(wanted))) {
      throw await failure(docker, tasks, wanted, `its tasks failed ${fresh.length} times`);
    }
    if (Date.now() > end) {
      const running = tasks.filter((task) => task.Status.State === "running" && task.DesiredState === "running").length;
      const many = `${running} of ${wantedTasks(wanted)} tasks run ${timeoutSeconds} s after`;
      throw await failure(docker, tasks, wanted, `${many}${update ? `, the update is ${update.State}` : ""}`);
    }
    await sleep(LOOK_MS);
  }

  function wantedTasks({ nodes }: Wanted): number {
    return spec.replicas === "every-node" ? nodes : spec.replicas;
  }
}

/** Running, meant to, and made from this specification. */
function current(tasks: readonly Task[], image: string, forced: number): Task[] {
  return tasks.filter(
    ({ Spec, Status, DesiredState }) =>
      Status.State === "running" &&
      DesiredState === "running" &&
      Spec.ContainerSpec.Image === image &&
      (Spec.ForceUpdate ?? 0) === (forced ?? 0),
  );
}

/** One that still runs from another image. */
function isLeftOver(image: string): (task: Task) => boolean {
  return ({ Spec, DesiredState }) => DesiredState === "running" && Spec.ContainerSpec.Image !== image;
}

function ending(state: string): string {
  const words: Record<string, string> = {
    rollback_completed: "Docker went back to the tasks before",
    rollback_paused: "Docker could not go back to the tasks before",
    paused: "Docker has paused the update",
  };
  return words[state] ?? `the update is ${state}`;
}

async function failure(docker: Docker, tasks: readonly Task[], { spec, since }: Wanted, what: string): Promise<Error> {
  const why = await causes(docker, tasks, since);
  const words = why.length > 0 ? why : ["no task has said why"];
  return new Error(`${spec.component}: ${what}\n${words.map((line) => `  ${line}`).join("\n")}`);
}
