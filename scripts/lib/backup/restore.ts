import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import tar from "tar-stream";
import { duration, type Say } from "../log.ts";
import { UserError } from "../userError.ts";
import { sameContents, type Contents } from "./contents.ts";
import { imageFor, usersOf } from "./dataVolumes.ts";
import { mendContents, mendCorner } from "./mend.ts";
import { scratchCopy, type ScratchOptions } from "./scratch.ts";
import { checkSealed, type Backup } from "./store.ts";
import { CORNER, readArchive, readContents, runToEnd, VOLUME_PATH, workContainer, writeArchive } from "./workshop.ts";

/** Docker's own default; the supervisor needs under 6 s for a child that ignores TERM. */
const STOP_SECONDS = 10;
const HEALTHY_MS = 60_000;
const PROBE_MS = 500;
/** Where the new data waits in the volume. */
const STAGE = `${VOLUME_PATH}/${CORNER}/in`;

export interface RestoreOptions extends ScratchOptions {
  say: Say;
}

/**
 * Puts a backup in the place of a volume's data: the old or the new, never a mix. Makes a volume that is gone. The data
 * is proved in a scratch volume first, while the server still runs on the old.
 * @returns whether its server runs, now on the restored data.
 * @throws UserError when the backup is refused, or a server does not become healthy on the restored data.
 */
export async function restoreVolume(options: RestoreOptions, backup: Backup): Promise<boolean> {
  const { docker, owner, key, say } = options;
  const { manifest, file } = backup;
  if (manifest.estate !== owner.estate || manifest.stack !== owner.stack) {
    throw new UserError(
      `backup ${file} is of stack "${manifest.stack}" of "${manifest.estate}", not of "${owner.stack}" of "${owner.estate}"; name that one with --stack`,
    );
  }
  await checkSealed(key, backup);
  const { volume, component } = manifest;
  const users = await usersOf(docker, volume);
  const image = await imageFor(docker, owner, component, users);
  await scratchCopy(options, { file, volume, image }, async (copy, found) => {
    if (!sameContents(found, manifest))
      throw new UserError(`backup ${file} is refused: its data is not that of its manifest`);
    say(`${volume}: the backup of ${manifest.time} is whole (${found.files} files, ${found.bytes} bytes)`);
    if (await ensureVolume(options, volume, component)) say(`${volume}: was gone, made anew`);
    await exchange(options, { volume, image, users, copy, expected: found });
  });
  if (users.length === 0) say(`${volume}: no container mounts it; npm run up makes its server`);
  return users.some(isUp);
}

interface Exchange {
  volume: string;
  image: string;
  users: readonly Docker.ContainerInfo[];
  copy: Docker.Container;
  expected: Contents;
}

async function exchange(options: RestoreOptions, { volume, image, users, copy, expected }: Exchange): Promise<void> {
  const { docker, owner, say, signal } = options;
  const running = users.filter(isUp);
  const holds = running.map(({ Id }) => Id);
  // From here on the helper's labels tell the next command what to finish or undo, should this one be killed.
  const helper = await workContainer(docker, { owner, image, volume, kind: "restore", holds });
  const stopped = Date.now();
  try {
    try {
      for (const id of holds) await docker.getContainer(id).stop({ t: STOP_SECONDS });
      await mendCorner(docker, owner, helper, { volume, image });
      await stage(helper, copy);
      if (!sameContents(await readContents(helper, `${STAGE}/volume`), expected)) {
        throw new Error(`${volume}: what was copied into it is not what is in the backup; nothing was changed`);
      }
      signal.throwIfAborted();
      say(`${volume}: exchanging its data`);
      await runToEnd(helper);
    } catch (error) {
      await mendContents(docker, owner, { volume, image });
      throw error;
    }
    if (!sameContents(await readContents(helper), expected)) {
      throw new Error(`${volume}: its data is not that of the backup`);
    }
  } finally {
    for (const id of holds) await docker.getContainer(id).start();
    await helper.remove({ force: true });
  }
  for (const { Id, Names } of running) {
    await waitUntilWell(docker.getContainer(Id), Names[0]?.slice(1) ?? Id);
  }
  const down =
    running.length === 0 ? "" : `; its server was down for ${duration(Date.now() - stopped)} and answers again`;
  say(`${volume}: restored, ${expected.files} files with equal checksums${down}`);
}

/** Has processes now or soon; paused ones, too, would go on with files that are no longer there. */
function isUp({ State }: Docker.ContainerInfo): boolean {
  return ["running", "restarting", "paused"].includes(State);
}

/** Copies the proved data into a corner of the volume. */
async function stage(helper: Docker.Container, copy: Docker.Container): Promise<void> {
  const corner = tar.pack();
  // Two folders that nobody but root can look into.
  for (const name of [CORNER, `${CORNER}/in`]) corner.entry({ name, mode: 0o700, type: "directory" });
  corner.finalize();
  await writeArchive(helper, Readable.from(corner), VOLUME_PATH);
  await writeArchive(helper, await readArchive(copy), STAGE);
}

/** Makes the volume as the program would, name and labels, unless it is there. Returns whether it was gone. */
async function ensureVolume({ docker, owner }: RestoreOptions, name: string, component: string): Promise<boolean> {
  try {
    await docker.getVolume(name).inspect();
    return false;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
  }
  const Labels = {
    "mcp-estate.estate": owner.estate,
    "mcp-estate.stack": owner.stack,
    "mcp-estate.component": component,
  };
  await docker.createVolume({ Name: name, Labels });
  return true;
}

/** Runs the container's own health check until it is well: a real MCP answer, sooner than Docker's next look. */
async function waitUntilWell(container: Docker.Container, name: string): Promise<void> {
  const [kind, ...command] = (await container.inspect()).Config.Healthcheck?.Test ?? [];
  if (kind !== "CMD") return;
  const end = Date.now() + HEALTHY_MS;
  while (!(await exitsWithZero(container, command))) {
    if (Date.now() > end) {
      throw new UserError(
        `the data is restored, and ${name} is not healthy on it after ${duration(HEALTHY_MS)}; look at docker logs ${name}, or restore another backup with --from`,
      );
    }
    await sleep(PROBE_MS);
  }
}

async function exitsWithZero(container: Docker.Container, command: string[]): Promise<boolean> {
  try {
    const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
    const output = await exec.start({});
    await new Promise((resolve) => output.on("end", resolve).on("error", resolve).resume());
    return (await exec.inspect()).ExitCode === 0;
  } catch {
    return false; // it is only starting, or starting again
  }
}
