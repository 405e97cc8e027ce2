/**
 * Puts restored data in the place of a volume's own: the old or the new, never a mix. Runs inside a container of Docker's,
 * so it uses nothing but Node, and a killed command does not stop it; whatever stops it, the next run finishes or undoes.
 *
 * VOLUME/.mcp-estate-restore/
 *   in/volume/   the new data, complete only when `commit` is there
 *   commit       from here on the swap is finished, before it undone
 *   old/         the old data, on its way out
 *   emptied      all old data is in `old`; what lies in the volume from here on is new
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";

/**
 * @param volume the volume's root.
 * @param mode commit: the new data is complete, put it in place; mend: finish what was committed, undo all else.
 * @param step called before each change; a test ends the world here.
 */
export function swapContents(volume: string, mode: "commit" | "mend", step: () => void = () => undefined): void {
  const work = join(volume, ".mcp-estate-restore");
  const commit = join(work, "commit");
  if (!existsSync(work)) return;
  if (mode === "commit" && !existsSync(commit)) {
    syncTree(join(work, "in"));
    step();
    mark(commit);
  }
  if (existsSync(commit)) exchange(volume, work, step);
  step();
  // First the mark, then the rest: without it, what is left here is rubbish; with half of it, it might be taken for data.
  rmSync(commit, { force: true });
  sync(work);
  step();
  rmSync(work, { recursive: true, force: true });
  sync(volume);
}

function exchange(volume: string, work: string, step: () => void): void {
  const old = join(work, "old");
  const fresh = join(work, "in", "volume");
  const emptied = join(work, "emptied");
  if (!existsSync(emptied)) {
    mkdirSync(old, { recursive: true });
    for (const name of readdirSync(volume)) {
      if (join(volume, name) === work) continue;
      step();
      renameSync(join(volume, name), join(old, name));
    }
    sync(old);
    sync(volume);
    step();
    mark(emptied);
  }
  const { uid, gid, mode, atime, mtime } = lstatSync(fresh);
  for (const name of readdirSync(fresh)) {
    step();
    renameSync(join(fresh, name), join(volume, name));
  }
  step();
  chownSync(volume, uid, gid);
  chmodSync(volume, mode & 0o7777);
  utimesSync(volume, atime, mtime);
  sync(fresh);
  sync(volume);
}

/** A file that is there or not, also after the power has failed. */
function mark(file: string): void {
  closeSync(openSync(file, "w"));
  sync(file);
  sync(join(file, ".."));
}

function sync(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) syncTree(path);
    else if (entry.isFile()) sync(path);
  }
  sync(folder);
}
