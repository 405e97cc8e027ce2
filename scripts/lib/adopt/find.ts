import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type Docker from "dockerode";
import type { Owner } from "../leftOvers.ts";
import { UserError } from "../userError.ts";
import type { Usage } from "./limits.ts";

const MIB = 1024 * 1024;
const ANONYMOUS = /^[0-9a-f]{64}$/;

/**
 * The container that a user names.
 * @throws UserError when there is none, when it is an estate's own, or when Docker would remove its data with it.
 */
export async function findContainer(docker: Docker, name: string, owner: Owner): Promise<Docker.ContainerInspectInfo> {
  const info = await docker
    .getContainer(name)
    .inspect()
    .catch((error: unknown) => {
      if ((error as { statusCode?: number }).statusCode !== 404) throw error;
      throw new UserError(`there is no container "${name}"; docker ps -a lists them`);
    });
  const stack = info.Config.Labels["mcp-estate.stack"];
  if (stack !== undefined) {
    const whose = stack === owner.stack ? "this stack" : `stack "${stack}"`;
    throw new UserError(`container "${name}" belongs to ${whose} already; adopt one that nobody declares`);
  }
  const anonymous = info.Mounts.find(({ Name = "" }) => ANONYMOUS.test(Name));
  if (info.HostConfig.AutoRemove && anonymous) {
    throw new UserError(
      `container "${name}" was started with --rm, and Docker removes its volume at ${anonymous.Destination} when it ends; copy that first (docker cp), start a container without --rm on a named volume, and adopt that`,
    );
  }
  return info;
}

/** Memory, tasks and open files; undefined of one that does not run. */
export async function usageOf(docker: Docker, { Id, State }: Docker.ContainerInspectInfo): Promise<Usage | undefined> {
  if (!State.Running) return undefined;
  const stats = await docker.getContainer(Id).stats({ stream: false, "one-shot": true });
  return {
    memoryMiB: Math.ceil((stats.memory_stats.usage ?? 0) / MIB),
    pids: stats.pids_stats?.current ?? 0,
    nofile: openFiles(State.Pid),
  };
}

/** `Max open files  1024  524288  files`; undefined where the process is on another machine. */
function openFiles(pid: number): Usage["nofile"] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/limits`, "utf8");
  } catch {
    return undefined;
  }
  const [, soft, hard] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(text) ?? [];
  return soft && hard ? { soft: Number(soft), hard: Number(hard) } : undefined;
}

/** A reference under which the very image of a container is found again: its tag, else a digest, else its id. */
export async function referenceOf(
  docker: Docker,
  { Image, Config }: Docker.ContainerInspectInfo,
): Promise<{ image: Docker.ImageInspectInfo; reference: string }> {
  const image = await docker
    .getImage(Image)
    .inspect()
    .catch((error: unknown) => {
      if ((error as { statusCode?: number }).statusCode !== 404) throw error;
      throw new UserError(
        `image ${Image} of container "${Config.Image}" is gone from this Docker; docker commit makes one of the container`,
      );
    });
  const tagged = await docker
    .getImage(Config.Image)
    .inspect()
    .then(
      ({ Id }) => Id === Image,
      () => false,
    );
  return { image, reference: tagged ? Config.Image : (image.RepoDigests[0] ?? Image) };
}

/** Bit of a folder in Go's file modes, which Docker tells. */
const GO_MODE_DIR = 2 ** 31;
/** Docker's word for "changed", beside added and removed. */
const CHANGED = 0;

/** Files that differ from the image's; a folder of its that changed says nothing, as what changed in it is named too. */
export async function changedFiles(docker: Docker, { Id }: Docker.ContainerInspectInfo): Promise<string[]> {
  const container = docker.getContainer(Id);
  const changes = ((await container.changes()) as { Path: string; Kind: number }[] | null) ?? [];
  const isFile = async ({ Path, Kind }: { Path: string; Kind: number }) =>
    Kind !== CHANGED || !(await isFolder(container, Path));
  const verdicts = await Promise.all(changes.map(isFile));
  return changes.filter((_, i) => verdicts[i]).map(({ Path }) => Path);
}

async function isFolder(container: Docker.Container, path: string): Promise<boolean> {
  const response = (await container.infoArchive({ path })) as IncomingMessage;
  response.resume(); // or its connection keeps this process alive for minutes
  const stat = Buffer.from(String(response.headers["x-docker-container-path-stat"]), "base64").toString("utf8");
  return ((JSON.parse(stat) as { mode: number }).mode & GO_MODE_DIR) !== 0;
}
