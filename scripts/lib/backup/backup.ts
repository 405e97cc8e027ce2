import { rm, stat } from "node:fs/promises";
import type Docker from "dockerode";
import type { Owner } from "../leftOvers.ts";
import { duration, type Say } from "../log.ts";
import { codeOf, UserError } from "../userError.ts";
import { sameContents, type Contents } from "./contents.ts";
import { imageFor, usersOf, type DataVolume } from "./dataVolumes.ts";
import type { BackupKey } from "./key.ts";
import { mendCorner } from "./mend.ts";
import { scratchContents } from "./scratch.ts";
import { sealInto } from "./sealed.ts";
import { whileStill, type Consistency } from "./stillness.ts";
import {
  newFile,
  prepareFolder,
  programVersion,
  publish,
  retain,
  signManifest,
  volumeDir,
  type Manifest,
} from "./store.ts";
import { readArchive, workContainer } from "./workshop.ts";

/** How long a server may stand still: a call that it keeps waiting is answered within the gateway's 30 s. */
const STILL_SECONDS = 20;

export interface BackupOptions {
  docker: Docker;
  owner: Owner;
  key: BackupKey;
  /** Folder of all backups. */
  root: string;
  /** Verified backups of a volume that stay. */
  keep: number;
  say: Say;
  signal: AbortSignal;
  /** Number of the stack's last update, where it is known. */
  update: number | undefined;
}

/**
 * Makes a backup of one volume. It counts only once it has been restored into a scratch volume and found equal; until
 * then, and whatever goes wrong, the earlier ones are untouched.
 * @throws UserError when it cannot be made.
 */
export async function backupVolume(options: BackupOptions, volume: DataVolume): Promise<Manifest> {
  const { docker, owner, root, keep, say } = options;
  const started = Date.now();
  const folder = volumeDir(root, owner, volume.name);
  const users = await usersOf(docker, volume.name);
  const image = await imageFor(docker, owner, volume.component, users);
  const time = new Date();
  const { sealed, partial } = newFile(folder, time);
  try {
    await prepareFolder(folder);
    const written = await writeSealed(options, volume.name, users, image, partial);
    const { contents, consistency, stillMs, sealedSha256 } = written;
    const copy = await scratchContents(options, { file: partial, volume: volume.name, image });
    if (!sameContents(copy, contents)) {
      throw new UserError(`backup of ${volume.name} is not kept: restored into a scratch volume it is not the same`);
    }
    const { digest, files, bytes, tarSha256 } = contents;
    const manifest = signManifest(options.key, {
      version: 1,
      ...owner,
      component: volume.component,
      volume: volume.name,
      time: time.toISOString(),
      program: programVersion(),
      ...(options.update === undefined ? {} : { update: options.update }),
      image,
      consistency,
      ...{ files, bytes, digest, tarSha256 },
      sealedBytes: (await stat(partial)).size,
      sealedSha256,
    });
    await publish(partial, sealed, manifest);
    const gone = await retain(folder, keep);
    const still = consistency === "stopped" ? "its server did not run" : `its server stood still for ${stillMs} ms`;
    say(
      `${volume.name}: ${files} files, ${bytes} bytes, restored for a test and found equal; ${still} (${duration(Date.now() - started)})${gone > 0 ? `; ${gone} older removed` : ""}`,
    );
    return manifest;
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    if (codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT") {
      throw new UserError(
        `no room for a backup of ${volume.name} in ${folder}; the earlier ones are untouched: make room there, or choose another folder with --to`,
      );
    }
    throw error;
  }
}

interface Written {
  contents: Contents;
  consistency: Consistency;
  stillMs: number;
  sealedSha256: string;
}

/** Reads the volume while its server stands still, straight into the sealed file. */
async function writeSealed(
  { docker, owner, key, signal }: BackupOptions,
  volume: string,
  users: readonly Docker.ContainerInfo[],
  image: string,
  file: string,
): Promise<Written> {
  const holds = users.filter(({ State }) => State === "running").map(({ Id }) => Id);
  const reader = await workContainer(docker, { owner, image, volume, kind: "read", holds });
  try {
    await mendCorner(docker, owner, reader, { volume, image });
    return await whileStill(docker, volume, users, async (consistency) => {
      const started = Date.now();
      const limit =
        consistency === "stopped" ? signal : AbortSignal.any([signal, AbortSignal.timeout(STILL_SECONDS * 1000)]);
      try {
        const sealing = { key, file, what: volume, signal: limit };
        return { ...(await sealInto(sealing, await readArchive(reader))), consistency, stillMs: Date.now() - started };
      } catch (error) {
        signal.throwIfAborted();
        if (!limit.aborted) throw error;
        throw new UserError(
          `${volume} cannot be read within ${STILL_SECONDS} s, and no longer may its server stand still: stop it first (docker stop), back up, start it again`,
        );
      }
    });
  } finally {
    await reader.remove({ force: true });
  }
}
