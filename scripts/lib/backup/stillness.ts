import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";

export type Consistency = "quiet" | "paused" | "stopped";

/** How long we look for a moment in which nobody is writing before any moment will do. */
const QUIET_SEARCH_MS = 2_000;

/**
 * Runs `work` while the running ones of these containers are paused, and lets them run again whatever happens.
 * The moment is one in which none of them has a file of the volume open for writing: a server that rewrites its file
 * would be caught with half of it. One that keeps its files open (a database) is caught as by a power cut, which those
 * are made for.
 */
export async function whileStill<T>(
  docker: Docker,
  volume: string,
  users: readonly Docker.ContainerInfo[],
  work: (consistency: Consistency) => Promise<T>,
): Promise<T> {
  const running = users.filter(({ State }) => State === "running");
  const containers = running.map(({ Id }) => docker.getContainer(Id));
  if (containers.length === 0) return work("stopped");
  const writing = async (): Promise<boolean> => {
    const found = await Promise.all(
      running.map((info) => hasWriter(docker.getContainer(info.Id), mountOf(info, volume))),
    );
    return found.some(Boolean);
  };
  try {
    const end = Date.now() + QUIET_SEARCH_MS;
    for (;;) {
      await Promise.all(containers.map((container) => container.pause()));
      const isWriting = await writing();
      if (!isWriting || Date.now() > end) return await work(isWriting ? "paused" : "quiet");
      await unpause(containers);
      await sleep(1 + Math.random() * 20);
    }
  } finally {
    await unpause(containers);
  }
}

async function unpause(containers: readonly Docker.Container[]): Promise<void> {
  await Promise.all(containers.map(resume));
}

/** Lets a container run again if it is paused; one that is gone needs nothing. Returns whether it was paused. */
export async function resume(container: Docker.Container): Promise<boolean> {
  try {
    if (!(await container.inspect()).State.Paused) return false;
    await container.unpause();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

function mountOf(info: Docker.ContainerInfo, volume: string): string {
  return info.Mounts.find(({ Name }) => Name === volume)?.Destination ?? "";
}

/** Whether a process of a paused container has a file below `path` open for writing. Unknown (another machine) is no. */
async function hasWriter(container: Docker.Container, path: string): Promise<boolean> {
  const { Processes } = (await container.top({ ps_args: "-eo pid" })) as { Processes: string[][] };
  return Processes.some(([pid = ""]) => {
    try {
      // Of another machine, or seen from another process namespace, the same number is somebody else.
      if (!readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(container.id)) return false;
      return readdirSync(`/proc/${pid}/fd`).some((descriptor) => isWriter(pid, descriptor, path));
    } catch {
      return false;
    }
  });
}

function isWriter(pid: string, descriptor: string, path: string): boolean {
  if (!readlinkSync(`/proc/${pid}/fd/${descriptor}`).startsWith(`${path}/`)) return false;
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, "utf8"))?.[1] ?? "0";
  // O_WRONLY is 1, O_RDWR 2 (fcntl.h); fdinfo writes octal.
  return (Number.parseInt(flags, 8) & 3) !== 0;
}
