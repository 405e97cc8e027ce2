import { randomUUID } from "node:crypto";
import type Docker from "dockerode";
import type { Owner } from "../leftOvers.ts";
import { UserError } from "../userError.ts";
import { sameContents, type Contents } from "./contents.ts";
import type { BackupKey } from "./key.ts";
import { openSealed, unreadable } from "./sealed.ts";
import { readContents, VOLUME_PATH, workContainer, workLabels, writeArchive } from "./workshop.ts";

export interface ScratchOptions {
  docker: Docker;
  owner: Owner;
  key: BackupKey;
  signal: AbortSignal;
}

/** A sealed file, the volume that it is of, and an image for helpers. */
export interface SealedFile {
  file: string;
  volume: string;
  image: string;
}

/** What a sealed file is found to hold when it is restored. */
export function scratchContents(options: ScratchOptions, sealed: SealedFile): Promise<Contents> {
  return scratchCopy(options, sealed, (_, contents) => Promise.resolve(contents));
}

/**
 * Restores a sealed file into a volume that nobody mounts, reads it back and hands the container on it to `use`.
 * @throws UserError when the file cannot be opened, or what was read back is not what was in it.
 */
export async function scratchCopy<T>(
  { docker, owner, key, signal }: ScratchOptions,
  { file, volume, image }: SealedFile,
  use: (copy: Docker.Container, contents: Contents) => Promise<T>,
): Promise<T> {
  const options = { owner, volume, kind: "scratch" as const };
  const scratch = `mcp-estate-work-${randomUUID()}`;
  await docker.createVolume({ Name: scratch, Labels: workLabels(options) });
  try {
    const container = await workContainer(docker, { ...options, image, volume: scratch });
    try {
      signal.throwIfAborted();
      const archive = await openSealed(key, file).catch((error: unknown) => {
        throw unreadable(file, error);
      });
      await writeArchive(container, archive, parentOf(VOLUME_PATH)).catch((error: unknown) => {
        throw archive.errored ? unreadable(file, archive.errored) : error;
      });
      signal.throwIfAborted();
      const found = await readContents(container);
      if (!sameContents(found, archive.contents)) {
        throw new UserError(`${file}: what was restored for a test is not what is in the backup`);
      }
      return await use(container, found);
    } finally {
      await container.remove({ force: true });
    }
  } finally {
    await docker.getVolume(scratch).remove();
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
