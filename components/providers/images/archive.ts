import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import tar, { type Pack } from "tar-stream";

/** One entry of a layer that does not come from a folder of this machine. */
export interface ArchiveEntry {
  /** Path in the image, without the leading slash. */
  name: string;
  mode: number;
  uid?: number;
  gid?: number;
  /** Absent for a folder. */
  content?: string | Uint8Array;
}

/** Any fixed time will do; zip-minded programs want one after 1980. */
const MTIME = new Date(1_000_000_000_000);

/** A folder of this machine as a layer below `target`: root's, readable by all, executable where anybody could. */
export function packFolder(folder: string, target: string): Readable {
  const pack = tar.pack();
  addFolder(pack, folder, target).then(
    () => pack.finalize(),
    (error: unknown) => pack.destroy(error as Error),
  );
  return Readable.from(pack);
}

/** One file of this machine as a layer. */
export function packFile(file: string, name: string, mode: number): Readable {
  const pack = tar.pack();
  addFile(pack, file, name, mode).then(
    () => pack.finalize(),
    (error: unknown) => pack.destroy(error as Error),
  );
  return Readable.from(pack);
}

export function packEntries(entries: readonly ArchiveEntry[]): Readable {
  const pack = tar.pack();
  for (const { name, mode, uid = 0, gid = 0, content } of entries) {
    // The plain fields of a tar header end at uid 262143 (tar-stream cuts them off there), ours go far beyond.
    const header = { name, mode, mtime: MTIME, pax: { uid: String(uid), gid: String(gid) } };
    if (content === undefined) pack.entry({ ...header, type: "directory" });
    else pack.entry(header, Buffer.from(content));
  }
  pack.finalize();
  return Readable.from(pack);
}

async function addFolder(pack: Pack, folder: string, target: string): Promise<void> {
  pack.entry({ ...owned(target, 0o755), type: "directory" });
  const names = await readdir(folder);
  for (const name of names.sort()) {
    const path = join(folder, name);
    const inImage = posix.join(target, name);
    const stats = await lstat(path);
    if (stats.isDirectory()) await addFolder(pack, path, inImage);
    else if (stats.isSymbolicLink()) {
      pack.entry({ ...owned(inImage, 0o777), type: "symlink", linkname: await readlink(path) });
    } else if (stats.isFile()) await addFile(pack, path, inImage, stats.mode & 0o111 ? 0o755 : 0o644);
    else throw new Error(`${path} is neither a file, a folder nor a link: it cannot go into an image`);
  }
}

async function addFile(pack: Pack, file: string, name: string, mode: number): Promise<void> {
  const { size } = await lstat(file);
  await pipeline(createReadStream(file), pack.entry({ ...owned(name, mode), size }));
}

function owned(name: string, mode: number) {
  return { name, mode, uid: 0, gid: 0, mtime: MTIME };
}
