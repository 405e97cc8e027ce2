import { connect } from "../docker.ts";
import { nodeNames, tasksOf } from "../swarm/tasks.ts";
import type { SmokeWorkload } from "./spec.ts";

/** What is there to be asked: of a service its running tasks, wherever they are by now. */
export interface Present {
  workloads: SmokeWorkload[];
  /** Services of which no task runs. */
  absent: string[];
}

/** A swarm moves tasks by itself, so that nothing that was written down of them is used. */
export async function present(workloads: readonly SmokeWorkload[]): Promise<Present> {
  const each = await Promise.all(
    workloads.map(async (workload) => (workload.service ? runningTasks(workload, workload.service) : [workload])),
  );
  const absent = workloads.filter((_, index) => each[index]?.length === 0).map(({ component }) => component);
  return { workloads: each.flat(), absent };
}

async function runningTasks(
  workload: SmokeWorkload,
  { id, nodes }: NonNullable<SmokeWorkload["service"]>,
): Promise<SmokeWorkload[]> {
  const docker = connect();
  const [names, tasks] = await Promise.all([nodeNames(docker), tasksOf(docker, id)]);
  const running = tasks.filter(({ Status, DesiredState }) => Status.State === "running" && DesiredState === "running");
  return running.map(({ NodeID = "", Status }) => {
    const node = names.get(NodeID) ?? "";
    const dockerHost = nodes[node];
    return {
      ...workload,
      component: running.length === 1 ? workload.component : `${workload.component} on ${node}`,
      containerId: Status.ContainerStatus?.ContainerID ?? "",
      ...(dockerHost ? { dockerHost } : {}),
    };
  });
}
