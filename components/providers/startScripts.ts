import { chmod, link, lstat, mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** A script of this machine that starts what should run in containers (R-DRF-07). */
export interface StartScript {
  path: string;
  /** ISO time of its last change. */
  created: string;
}

/** What was done to a script, so that it can be undone to the letter. */
export interface DisabledScript {
  path: string;
  /** Permission bits that it had. */
  mode: number;
}

const SUFFIX = ".disabled";
const EXECUTABLE = 0o111;
const PERMISSIONS = 0o7777;

/**
 * Scripts that can be started: every named file, and in a named folder (not below it) every executable file that begins
 * with `#!`. Links, programs, data and what ends in `.disabled` are no such scripts; a path that is not there has none.
 */
export async function findStartScripts(paths: readonly string[]): Promise<StartScript[]> {
  const found = await Promise.all(paths.map(scriptsAt));
  const scripts = new Map(found.flat().map((script) => [script.path, script]));
  return [...scripts.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function scriptsAt(path: string): Promise<StartScript[]> {
  try {
    const entry = await lstat(path);
    if (!entry.isDirectory()) return await asScript(path);
    const names = await readdir(path);
    const scripts = await Promise.all(names.sort().map((name) => asScript(join(path, name))));
    return scripts.flat();
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function asScript(path: string): Promise<StartScript[]> {
  const entry = await lstat(path);
  if (!entry.isFile() || (entry.mode & EXECUTABLE) === 0 || path.endsWith(SUFFIX)) return [];
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    const isScript = bytesRead === 2 && buffer.toString("latin1") === "#!";
    return isScript ? [{ path, created: entry.mtime.toISOString() }] : [];
  } finally {
    await file.close();
  }
}

/**
 * Takes a script out of use: it gets the suffix `.disabled` and may not be executed. What is needed to undo it is written
 * down first, so that no kill in between loses it (`npm run enable-scripts`).
 * @throws Error when a file with that name is there already; nothing is overwritten.
 */
export async function disableScript(path: string, journal: string): Promise<void> {
  const { mode } = await stat(path);
  const known = await readJournal(journal);
  const entry: DisabledScript = { path, mode: mode & PERMISSIONS };
  await writeJournal(journal, [...known.filter((each) => each.path !== path), entry]);
  try {
    // Unlike a renaming this never overwrites.
    await link(path, path + SUFFIX);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Error(`${path + SUFFIX} is there already; remove one of the two`, { cause: error });
  }
  await unlink(path);
  await chmod(path + SUFFIX, mode & PERMISSIONS & ~EXECUTABLE);
}

/** Where the disabled scripts of a stack are written down; scripts/lib/disabledScripts.ts reads it. */
export function journalOf({ estate, stack }: { estate: string; stack: string }): string {
  const data = process.env.XDG_DATA_HOME || join(process.env.HOME || homedir(), ".local", "share");
  return join(data, "mcp-estate", "disabled-scripts", `${estate}-${stack}.json`);
}

async function readJournal(file: string): Promise<DisabledScript[]> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as DisabledScript[];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function writeJournal(file: string, entries: readonly DisabledScript[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const partial = await open(`${file}.partial`, "w");
  try {
    await partial.writeFile(`${JSON.stringify(entries, null, 2)}\n`);
    await partial.sync();
  } finally {
    await partial.close();
  }
  await rename(`${file}.partial`, file);
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}
