import { withoutFrames } from "../logFrames.ts";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import type { ServiceSpec } from "./spec.ts";

/** One task of a service, as Docker tells of it. */
export interface Task {
  ID: string;
  Slot?: number;
  NodeID?: string;
  CreatedAt: string;
  DesiredState: string;
  Spec: ServiceSpec["TaskTemplate"];
  Status: {
    State: string;
    Timestamp: string;
    Message?: string;
    Err?: string;
    ContainerStatus?: { ContainerID?: string; ExitCode?: number };
  };
}

const FAILED = new Set(["failed", "rejected", "orphaned"]);
const LOG_LINES = 4;
/** Causes told at most: the same one comes with each try. */
const CAUSES = 3;

/** Newest first. */
export async function tasksOf(docker: Docker, serviceId: string): Promise<Task[]> {
  const tasks = (await docker.listTasks({ filters: { service: [serviceId] } })) as Task[];
  return tasks.sort((a, b) => (a.CreatedAt < b.CreatedAt ? 1 : -1));
}

export function isFailed(task: Task): boolean {
  return FAILED.has(task.Status.State);
}

/** Node id → host name. */
export async function nodeNames(docker: Docker): Promise<Map<string, string>> {
  const nodes = (await docker.listNodes()) as unknown as { ID: string; Description: { Hostname: string } }[];
  return new Map(nodes.map(({ ID, Description }) => [ID, Description.Hostname]));
}

/**
 * Why tasks are not what they should be, in their own words, with the last lines of their logs.
 * @param known ids of tasks that were there before the update.
 */
export async function causes(docker: Docker, tasks: readonly Task[], known: ReadonlySet<string>): Promise<string[]> {
  const names = await nodeNames(docker);
  const told = new Set<string>();
  const lines: string[] = [];
  for (const task of faulty(tasks.filter(({ ID }) => !known.has(ID)))) {
    const { State, Err, Message = "" } = task.Status;
    const words = `${State}: ${Err || Message}`;
    if (told.has(words) || lines.length >= CAUSES) continue;
    told.add(words);
    const where = names.get(task.NodeID ?? "") ?? "no node";
    const log = await lastLines(docker, task);
    lines.push([`task ${task.Slot ?? ""} on ${where} ${words}`, ...log.map((line) => `    ${line}`)].join("\n"));
  }
  return lines;
}

/**
 * One that never had a node waits for ever, and says why; one that was unhealthy is shut down with its reason. Where none
 * gives a reason, those that were taken away again are told of, for what their logs say.
 */
function faulty(tasks: readonly Task[]): readonly Task[] {
  const failed = tasks.filter((task) => isFailed(task) || Boolean(task.Status.Err));
  if (failed.length > 0) return failed;
  const removed = tasks.filter(({ DesiredState }) => DesiredState !== "running");
  const began = removed.filter(({ Status }) => Status.ContainerStatus?.ContainerID);
  return began.length > 0 ? began : removed;
}

/** Of a task that never had a container there are none. */
async function lastLines(docker: Docker, task: Task): Promise<string[]> {
  if (!task.Status.ContainerStatus?.ContainerID) return [];
  try {
    return (
      withoutFrames(await taskLog(docker, task.ID))
        .split("\n")
        .filter((line) => line !== "")
        // Docker has given fifty lines where `tail` asked for four.
        .slice(-LOG_LINES)
    );
  } catch {
    return [];
  }
}

/** dockerode has the logs of services and containers only. */
function taskLog(docker: Docker, id: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = {
      path: `/tasks/${id}/logs?stdout=1&stderr=1&tail=${LOG_LINES}`,
      method: "GET",
      isStream: true,
      statusCodes: { 200: true },
    };
    docker.modem.dial(options, (error, stream) => {
      if (error) reject(error);
      else buffer(stream as NodeJS.ReadableStream).then(resolve, reject);
    });
  });
}
