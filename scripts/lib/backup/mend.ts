import { hostname } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { withFileLock } from "../fileLock.ts";
import type { Owner } from "../leftOvers.ts";
import type { Say } from "../log.ts";
import { dataDir } from "../paths.ts";
import { UserError } from "../userError.ts";
import { resume } from "./stillness.ts";
import { CORNER, runToEnd, startOf, VOLUME_PATH, WORK, workContainer } from "./workshop.ts";

/**
 * Runs `work` as the only command that touches this stack's volumes or the containers on them, after whatever a killed
 * one has left is put in order. Its signal is aborted by Ctrl-C or TERM: what is begun is undone then, not broken off.
 */
export function withVolumes<T>(
  { docker, owner, say }: { docker: Docker; owner: Owner; say: Say },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withStack({ owner, say }, async () => {
    await mendVolumes(docker, owner, say);
    return interruptible(work);
  });
}

/** Runs `work` as the only command that changes this stack. */
export function withStack<T>({ owner, say }: { owner: Owner; say: Say }, work: () => Promise<T>): Promise<T> {
  return withFileLock(join(dataDir(), "locks", `${owner.estate}-${owner.stack}.lock`), say, work);
}

async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (name: NodeJS.Signals): void => {
    controller.abort(new UserError(`stopped by ${name}; what was begun is undone`));
  };
  const names: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of names) process.on(name, abort);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of names) process.off(name, abort);
  }
}

/**
 * Finishes or undoes what a killed command was about: paused containers run again, half restored volumes become the old
 * or the new, helpers go.
 * @throws UserError when that command still runs.
 */
export async function mendVolumes(docker: Docker, owner: Owner, say: Say): Promise<void> {
  const filters = { label: [`${WORK.estate}=${owner.estate}`, `${WORK.stack}=${owner.stack}`] };
  const [helpers, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listVolumes({ filters }),
  ]);
  for (const { Labels, Names } of helpers) {
    const [host = "", pid = "", start] = (Labels[WORK.by] ?? "").split(":");
    if (host === hostname() && startOf(Number(pid)) !== start) continue;
    throw new UserError(
      `volume "${Labels[WORK.volume] ?? ""}" is being worked on by process ${pid} on ${host}; wait for it, or, when you know that it is gone: docker rm -f ${Names[0]?.slice(1) ?? ""}`,
    );
  }
  // Two at once would exchange the same contents.
  for (const { Id, State } of helpers) if (State === "running") await docker.getContainer(Id).wait();
  for (const helper of helpers) await settle(docker, owner, helper, say);
  for (const { Name } of Volumes) await docker.getVolume(Name).remove();
}

/** Ends one piece of work: the volume whole, the containers as they were, the helper gone. */
async function settle(docker: Docker, owner: Owner, helper: Docker.ContainerInfo, say: Say): Promise<void> {
  const { Id, ImageID, Labels } = helper;
  const volume = Labels[WORK.volume] ?? "";
  const container = docker.getContainer(Id);
  if (Labels[WORK.kind] === "restore") {
    await mendContents(docker, owner, { volume, image: ImageID });
    say(`a restore of ${volume} that was broken off is finished or undone: its data is all new or all old`);
  }
  for (const id of (Labels[WORK.holds] ?? "").split(",").filter((each) => each !== "")) {
    const held = docker.getContainer(id);
    const wasPaused = await resume(held);
    const wasStarted = Labels[WORK.kind] === "restore" && (await startIfThere(held));
    if (wasPaused || wasStarted)
      say(`container ${id.slice(0, 12)} was held by a command that was killed; it runs again`);
  }
  await container.remove({ force: true });
}

/**
 * Does the same where only the volume tells of a broken restore, its helper having been removed by hand.
 * @param helper any container of ours on the volume.
 */
export async function mendCorner(
  docker: Docker,
  owner: Owner,
  helper: Docker.Container,
  what: { volume: string; image: string },
): Promise<void> {
  try {
    await helper.infoArchive({ path: `${VOLUME_PATH}/${CORNER}` });
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return;
    throw error;
  }
  await mendContents(docker, owner, what);
}

/** Finishes a committed exchange of a volume's contents, undoes any other. */
export async function mendContents(
  docker: Docker,
  owner: Owner,
  { volume, image }: { volume: string; image: string },
): Promise<void> {
  const mender = await workContainer(docker, { owner, image, volume, kind: "mend" });
  try {
    await runToEnd(mender);
  } finally {
    await mender.remove({ force: true });
  }
}

/** Returns whether it was not running. */
async function startIfThere(container: Docker.Container): Promise<boolean> {
  try {
    if ((await container.inspect()).State.Running) return false;
    await container.start();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}
