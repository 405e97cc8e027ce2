import { isDeepStrictEqual } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { SwarmServiceSpec } from "./inputs.ts";
import { factsOf } from "./facts.ts";
import type { InspectedService, ServiceSpec } from "./spec.ts";
import { causes, isFailed, tasksOf, type Task } from "./tasks.ts";

const LOOK_MS = 500;
/** A task that is started anew for the third time will not come up by itself. */
const TRIES = 3;
/**
 * By then Docker has begun an update that it will make. Where only the constraints are others, it was seen to
 * tell of none and to leave the task that ran, whose specification has the old constraints then.
 */
const BEGUN_MS = 3000;

export interface Wanted {
  service: InspectedService;
  spec: SwarmServiceSpec;
  /** Nodes that take tasks of it, where each has one. */
  nodes: number;
  /** Ids of tasks that were there before. */
  known: ReadonlySet<string>;
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
  const { service, spec, known, formerUpdate, timeoutSeconds } = wanted;
  const began = Date.now();
  const end = began + timeoutSeconds * 1000;
  for (;;) {
    const { UpdateStatus: update, Spec } = (await docker.getService(service.ID).inspect()) as InspectedService;
    const tasks = await tasksOf(docker, service.ID);
    const isNew = update !== undefined && update.StartedAt !== formerUpdate;
    if (isNew && /^rollback_completed$|paused/.test(update.State)) {
      throw await failure(docker, tasks, wanted, ending(update.State));
    }
    if (!isNew || update.State === "completed") {
      const mayStay = !isNew && Date.now() - began > BEGUN_MS;
      const { current, other } = sorted(tasks, Spec, mayStay);
      if (current.length === wantedTasks(wanted) && other === 0) return current;
    }
    // Docker itself goes back from an update; nothing does from a service that is new.
    const fresh = tasks.filter((task) => isFailed(task) && !known.has(task.ID));
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

/**
 * Those that run and were made from this very specification, and how many are meant to run and were not.
 * @param mayStay other constraints make no other task.
 */
function sorted(tasks: readonly Task[], spec: ServiceSpec, mayStay: boolean): { current: Task[]; other: number } {
  const compared = (each: ServiceSpec) => ({ ...factsOf(each), ...(mayStay ? { constraints: [] } : {}) });
  const expected = compared(spec);
  const wanted = tasks.filter(({ DesiredState }) => DesiredState === "running");
  // Whatever changes is in here: of another secret the name, of a forced update the count.
  const current = wanted.filter(
    ({ Spec }) =>
      isDeepStrictEqual(compared({ ...spec, TaskTemplate: Spec }), expected) &&
      (Spec.ForceUpdate ?? 0) === (spec.TaskTemplate.ForceUpdate ?? 0),
  );
  return { current: current.filter(({ Status }) => Status.State === "running"), other: wanted.length - current.length };
}

function ending(state: string): string {
  const words: Record<string, string> = {
    rollback_completed: "Docker went back to the tasks before",
    rollback_paused: "Docker could not go back to the tasks before",
    paused: "Docker has paused the update",
  };
  return words[state] ?? `the update is ${state}`;
}

async function failure(docker: Docker, tasks: readonly Task[], { spec, known }: Wanted, what: string): Promise<Error> {
  const why = await causes(docker, tasks, known);
  const words = why.length > 0 ? why : ["no task has said why"];
  return new Error(`${spec.component}: ${what}\n${words.map((line) => `  ${line}`).join("\n")}`);
}
