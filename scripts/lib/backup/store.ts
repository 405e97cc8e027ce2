import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import type { Environment } from "../exec.ts";
import type { Owner } from "../leftOvers.ts";
import { dataDir, projectDir } from "../paths.ts";
import { messageOf, UserError } from "../userError.ts";
import type { BackupKey } from "./key.ts";

const manifestSchema = z.object({
  version: z.literal(1),
  estate: z.string(),
  stack: z.string(),
  component: z.string(),
  volume: z.string(),
  time: z.iso.datetime(),
  /** What made the backup. */
  program: z.string(),
  /** Number of the stack's last update, where its state is on this machine. */
  update: z.number().optional(),
  /** Image of the server whose data this is. */
  image: z.string(),
  /** quiet: no file was open for writing; paused: some were; stopped: nothing ran. */
  consistency: z.enum(["quiet", "paused", "stopped"]),
  files: z.number(),
  bytes: z.number(),
  digest: z.string(),
  tarSha256: z.string(),
  sealedBytes: z.number(),
  sealedSha256: z.string(),
  /** Shows that the holder of the key has written all the above. */
  signature: z.string(),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** One backup on disk: FILE.tar.age and its manifest FILE.json, which is written last and makes it count. */
export interface Backup {
  manifest: Manifest;
  file: string;
  manifestFile: string;
  /** Whether the file is there in its full length. */
  isWhole: boolean;
}

/** In the place of a volume's name: the stack's own state. Docker has no volume of that name. */
export const STATE = "@state";

const SEALED = ".tar.age";
const PARTIAL = ".partial";

/** The folder of all backups: `--to`, else MCP_ESTATE_BACKUPS, else the user's data folder. */
export function backupsDir(to: string | undefined, env: Environment = process.env): string {
  return resolve(to ?? (env["MCP_ESTATE_BACKUPS"] || join(dataDir(env), "backups")));
}

export function volumeDir(root: string, { estate, stack }: Owner, volume: string): string {
  return join(root, estate, stack, volume);
}

/** Where a backup of now is written. Names sort by time and are good on any file system. */
export function newFile(folder: string, time: Date): { sealed: string; partial: string } {
  const sealed = join(folder, `${time.toISOString().replaceAll(":", "-")}${SEALED}`);
  return { sealed, partial: sealed + PARTIAL };
}

/** Backups of one volume, the newest first. */
export function listBackups(folder: string): Backup[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .reverse()
    .map((name) => readBackup(join(folder, name)));
}

/** Names of the volumes of which there is a folder of backups. */
export function volumesWithBackups(root: string, { estate, stack }: Owner): string[] {
  const folder = join(root, estate, stack);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name !== STATE)
    .sort();
}

function readBackup(manifestFile: string): Backup {
  let manifest: Manifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(readFileSync(manifestFile, "utf8")));
  } catch (error) {
    throw new UserError(
      `${manifestFile} is no manifest of a backup (${messageOf(error).split("\n")[0] ?? ""}); move it away`,
    );
  }
  const file = manifestFile.replace(/\.json$/, SEALED);
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  return { manifest, file, manifestFile, isWhole: size === manifest.sealedBytes };
}

/**
 * The backup that a user means: a file, the beginning of a time, or nothing for the newest.
 * @throws UserError that says which there are.
 */
export function chooseBackup(folder: string, volume: string, from: string | undefined): Backup {
  if (from?.endsWith(SEALED)) {
    const manifestFile = resolve(from).slice(0, -SEALED.length) + ".json";
    if (existsSync(manifestFile)) return readBackup(manifestFile);
    throw new UserError(`--from "${from}": ${manifestFile} is not there, and without its manifest it is no backup`);
  }
  const backups = listBackups(folder);
  const found = backups.find(({ manifest, manifestFile }) =>
    [manifest.time, manifestFile.slice(folder.length + 1)].some((time) => time.startsWith(from ?? "")),
  );
  if (found) return found;
  const known = backups.map(({ manifest }) => manifest.time).join(", ");
  throw new UserError(
    `there is no backup of "${volume}"${from === undefined ? "" : ` from "${from}"`} in ${folder}; there is ${known || "none"}`,
  );
}

/** What makes backups: name and version of this program. */
export function programVersion(): string {
  const text = readFileSync(join(projectDir, "package.json"), "utf8");
  const { name, version } = z.object({ name: z.string(), version: z.string() }).parse(JSON.parse(text));
  return `${name} ${version}`;
}

/** A manifest that its signature vouches for. */
export function signManifest(key: BackupKey, unsigned: Omit<Manifest, "signature">): Manifest {
  return { ...unsigned, signature: key.sign(canonical(unsigned)) };
}

/**
 * Refuses a backup that is not, byte for byte, what was written.
 * @throws UserError in one line.
 */
export async function checkSealed(key: BackupKey, { manifest, file, manifestFile }: Backup): Promise<void> {
  const refuse = (reason: string): UserError =>
    new UserError(`backup ${file} is refused: ${reason}; choose another with --from (npm run backups lists them)`);
  const { signature, ...unsigned } = manifest;
  if (!key.isSigned(canonical(unsigned), signature)) {
    throw refuse(`its manifest ${manifestFile} was changed, or made with another key than ${key.file}`);
  }
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size !== manifest.sealedBytes) {
    throw refuse(size === undefined ? "it is not there" : `it has ${size} bytes instead of ${manifest.sealedBytes}`);
  }
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  if (hash.digest("hex") !== manifest.sealedSha256) throw refuse("its SHA-256 is not that of its manifest");
}

/** Keys in order, so that the same manifest is always the same text. */
function canonical(manifest: Omit<Manifest, "signature">): string {
  return JSON.stringify(Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Makes a written and checked file a backup: under its name, with its manifest, both on the disk for good. */
export async function publish(partial: string, sealed: string, manifest: Manifest): Promise<void> {
  await rename(partial, sealed);
  const manifestFile = sealed.slice(0, -SEALED.length) + ".json";
  const temporary = manifestFile + PARTIAL;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, manifestFile);
  await syncFolder(dirname(manifestFile));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Left by a command that was killed: without a manifest they never counted.
  const names = await readdir(folder);
  const leftOver = (name: string): boolean =>
    name.endsWith(PARTIAL) || (name.endsWith(SEALED) && !names.includes(name.replace(SEALED, ".json")));
  for (const name of names.filter(leftOver)) await rm(join(folder, name), { force: true });
}

/** Removes all but the newest whole ones, and never the last of these. Returns how many went. */
export async function retain(folder: string, keep: number): Promise<number> {
  const backups = listBackups(folder);
  const kept = new Set(backups.filter(({ isWhole }) => isWhole).slice(0, Math.max(1, keep)));
  const oldest = [...kept].at(-1)?.manifest.time ?? "";
  // A damaged one that is newer than the oldest kept stays, for whoever looks into what damaged it.
  const outdated = backups.filter((backup) => !kept.has(backup) && backup.manifest.time < oldest);
  for (const { file, manifestFile } of outdated) {
    await rm(manifestFile, { force: true });
    await rm(file, { force: true });
  }
  return outdated.length;
}
