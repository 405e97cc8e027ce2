import { rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import tar from "tar-stream";
import type { Owner } from "../leftOvers.ts";
import type { Say } from "../log.ts";
import { codeOf, UserError } from "../userError.ts";
import { contentsOf, sameContents } from "./contents.ts";
import type { BackupKey } from "./key.ts";
import { openSealed, sealInto, unreadable } from "./sealed.ts";
import { hasState, readStateFiles, writeStateFiles, type StateFiles, type StatePlace } from "./stateFiles.ts";
import {
  checkSealed,
  newFile,
  prepareFolder,
  programVersion,
  publish,
  retain,
  signManifest,
  STATE,
  volumeDir,
  type Backup,
  type Manifest,
} from "./store.ts";

export interface StateBackupOptions {
  owner: Owner;
  key: BackupKey;
  /** Folder of all backups. */
  root: string;
  /** Verified backups that stay. */
  keep: number;
  say: Say;
  update: number | undefined;
}

/**
 * Makes a sealed backup of a stack's state with its passphrase, so that the key of the backups alone opens the way back.
 * It counts only once it has been opened again and found equal.
 * @returns undefined where there is no state on this machine: never deployed, or kept by another backend.
 * @throws UserError when it cannot be made; the earlier ones are untouched.
 */
export async function backupState(options: StateBackupOptions, place: StatePlace): Promise<Manifest | undefined> {
  const { owner, key, root, keep, say, update } = options;
  const files = readStateFiles(place);
  if (files.size === 0) return undefined;
  const folder = volumeDir(root, owner, STATE);
  const time = new Date();
  const { sealed, partial } = newFile(folder, time);
  try {
    await prepareFolder(folder);
    const sealing = { key, file: partial, what: "the state", signal: new AbortController().signal };
    const { contents, sealedSha256 } = await sealInto(sealing, archiveOf(files, time));
    if (!sameContents(await contentsOf(await openSealed(key, partial)), contents)) {
      throw new UserError("backup of the state is not kept: opened again it is not the same");
    }
    const manifest = signManifest(key, {
      version: 1,
      ...owner,
      component: "",
      volume: STATE,
      time: time.toISOString(),
      program: programVersion(),
      ...(update === undefined ? {} : { update }),
      image: "",
      consistency: "quiet",
      ...contents,
      sealedBytes: (await stat(partial)).size,
      sealedSha256,
    });
    await publish(partial, sealed, manifest);
    const gone = await retain(folder, keep);
    say(
      `state: ${contents.files} files, ${contents.bytes} bytes, opened again and found equal${gone > 0 ? `; ${gone} older removed` : ""}`,
    );
    return manifest;
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    if (codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT") {
      throw new UserError(
        `no room for a backup of the state in ${folder}; the earlier ones are untouched: make room there, or choose another folder with --to`,
      );
    }
    throw error;
  }
}

/**
 * What a backup of the state holds, proved against its manifest.
 * @throws UserError when it is not, byte for byte, what was written.
 */
export async function openState(key: BackupKey, backup: Backup): Promise<StateFiles> {
  await checkSealed(key, backup);
  const files = new Map<string, Buffer>();
  const meter = await openSealed(key, backup.file);
  try {
    for await (const entry of meter.pipe(tar.extract())) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      files.set(entry.header.name, Buffer.concat(chunks));
    }
  } catch (error) {
    throw unreadable(backup.file, error);
  }
  if (!sameContents(meter.contents, backup.manifest)) {
    throw new UserError(`backup ${backup.file} is refused: its data is not that of its manifest`);
  }
  return files;
}

/**
 * Puts a backup in the place of a state that is lost.
 * @param replace also in the place of one that is there.
 * @throws UserError when there is one, and when the backup is refused; nothing was changed then.
 */
export async function restoreState(
  { owner, key, say }: Pick<StateBackupOptions, "owner" | "key" | "say">,
  place: StatePlace,
  { backup, replace }: { backup: Backup; replace: boolean },
): Promise<void> {
  const { manifest, file } = backup;
  if (manifest.estate !== owner.estate || manifest.stack !== owner.stack || manifest.volume !== STATE) {
    throw new UserError(
      `backup ${file} is of ${manifest.volume} of stack "${manifest.stack}" of "${manifest.estate}", not of the state of "${owner.stack}" of "${owner.estate}"`,
    );
  }
  if (hasState(place) && !replace) {
    throw new UserError(
      `stack "${owner.stack}" has a state here, and what an earlier one does not know of would become orphans; to put the backup of ${manifest.time} in its place, add --replace (npm run backup first keeps today's)`,
    );
  }
  const files = await openState(key, backup);
  writeStateFiles(place, files);
  say(`state: restored from ${manifest.time} (${files.size} files, with equal checksums)`);
}

function archiveOf(files: StateFiles, time: Date): Readable {
  const archive = tar.pack();
  for (const [name, data] of files) archive.entry({ name, mode: 0o600, mtime: time }, data);
  archive.finalize();
  return Readable.from(archive, { objectMode: false });
}
