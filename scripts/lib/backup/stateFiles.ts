import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { stateFolder } from "../environment.ts";
import type { Environment } from "../exec.ts";
import type { Owner } from "../leftOvers.ts";
import { passphraseFile } from "../paths.ts";
import { secretsFile, secretsKeyFile } from "../secrets/store.ts";
import { readStackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";

/** Versions of the history that a backup holds, so that a rollback works after a restore too. */
const KEPT_VERSIONS = 50;

/**
 * Everything of a stack that the engine needs and git may not have, by name:
 * `stack.yaml` (with its salt), `passphrase`, `secrets.age` and `secrets-key`, and below `state/` what lies in the backend's
 * folder.
 */
export type StateFiles = ReadonlyMap<string, Buffer>;

/** Where a stack's state lies on this machine. */
export interface StatePlace {
  owner: Owner;
  /** Folder of the project. */
  project: string;
  /** The backend's `.pulumi`; undefined where the state is elsewhere, and kept there. */
  folder: string | undefined;
  stackFile: string;
  env: Environment;
}

export function statePlace(owner: Owner, project: string, env: Environment = process.env): StatePlace {
  const url = env["PULUMI_BACKEND_URL"] || (env["PULUMI_ACCESS_TOKEN"] ? "" : pathToFileURL(project).href);
  const folder = stateFolder({ ...env, PULUMI_BACKEND_URL: url });
  return { owner, project, folder, stackFile: join(project, `Pulumi.${owner.stack}.yaml`), env };
}

/** Whether the stack has ever been deployed from here. */
export function hasState({ owner, folder }: StatePlace): boolean {
  return folder !== undefined && checkpoints(owner).some((path) => existsSync(join(folder, path)));
}

/**
 * Reads what a backup holds; empty where there is no state.
 * @throws UserError when the state's passphrase is not here: such backups would push out those that can be used.
 */
export function readStateFiles(place: StatePlace): StateFiles {
  const { owner, folder, stackFile } = place;
  const files = new Map<string, Buffer>();
  if (folder === undefined || !hasState(place)) return files;
  files.set("stack.yaml", readFileSync(stackFile));
  const passphrase = passphraseHere(place);
  if (passphrase === undefined && readStackFile(place.project, owner.stack)?.hasSalt) {
    throw new UserError(
      `the passphrase of stack "${owner.stack}" is not here, and without it a backup of its state is of no use: put it into ${passphraseFile(place.project, place.env)}, or npm run restore -- --state --replace brings it back from an earlier one`,
    );
  }
  if (passphrase !== undefined) files.set("passphrase", passphrase);
  for (const [name, data] of secretsHere(place)) files.set(name, data);
  for (const path of ["meta.yaml", ...checkpoints(owner), ...history(owner, folder)]) {
    const file = join(folder, path);
    if (existsSync(file)) files.set(`state/${path}`, readFileSync(file));
  }
  return files;
}

/** @throws UserError when there are secrets and their key is not here. */
function secretsHere({ owner, env }: StatePlace): Array<[string, Buffer]> {
  const [file, key] = [secretsFile(owner, env), secretsKeyFile(env)];
  if (!existsSync(file)) return [];
  if (!existsSync(key)) {
    throw new UserError(
      `stack "${owner.stack}" has secrets (${file}), and their key ${key} is not here: put it there, or remove what nobody can open`,
    );
  }
  return [
    ["secrets.age", readFileSync(file)],
    ["secrets-key", readFileSync(key)],
  ];
}

/** Both forms of the engine's file, plain and compressed. */
function checkpoints({ estate, stack }: Owner): string[] {
  return ["json", "json.gz"].map((suffix) => join("stacks", estate, `${stack}.${suffix}`));
}

/** The newest versions; their names begin with the time. */
function history({ estate, stack }: Owner, folder: string): string[] {
  const path = join("history", estate, stack);
  if (!existsSync(join(folder, path))) return [];
  const names = readdirSync(join(folder, path)).sort();
  const stems = [...new Set(names.map((name) => name.split(".")[0] ?? name))].slice(-KEPT_VERSIONS);
  const kept = new Set(stems);
  return names.filter((name) => kept.has(name.split(".")[0] ?? name)).map((name) => join(path, name));
}

function passphraseHere({ project, env }: StatePlace): Buffer | undefined {
  if (env["PULUMI_CONFIG_PASSPHRASE"] !== undefined) return Buffer.from(env["PULUMI_CONFIG_PASSPHRASE"]);
  const file = env["PULUMI_CONFIG_PASSPHRASE_FILE"] || passphraseFile(project, env);
  return existsSync(file) ? readFileSync(file) : undefined;
}

/**
 * Puts a backup's files in their places. Everything that could refuse is checked before the first file is written, and the
 * stack's own file, which says that there is a state, is written last.
 * @throws UserError when the state lies elsewhere, or another passphrase is in use here.
 */
export function writeStateFiles(place: StatePlace, files: StateFiles): void {
  const { project, folder, stackFile, env } = place;
  if (folder === undefined) {
    throw new UserError(
      `the state of this stack lies in ${env["PULUMI_BACKEND_URL"] ?? "Pulumi Cloud"}, not in a folder; unset that to restore it here, then move it with npm run pulumi -- stack export and stack import`,
    );
  }
  const where = env["PULUMI_CONFIG_PASSPHRASE_FILE"] || passphraseFile(project, env);
  const saved = files.get("passphrase");
  const known = passphraseHere(place);
  if (saved && known && known.toString("utf8").trim() !== saved.toString("utf8").trim()) {
    throw new UserError(
      `the backup's state is encrypted with another passphrase than the one in use here (PULUMI_CONFIG_PASSPHRASE, or ${where}); unset it or move that file away, when no other stack needs it, and restore again`,
    );
  }
  const secrets = lostSecrets(place, files);
  if (saved && !known) writeWhole(where, saved, 0o600);
  for (const [path, data] of secrets) writeWhole(path, data, 0o600);
  const stack = files.get("stack.yaml");
  if (stack) writeWhole(stackFile, Buffer.from(withSaltOf(stackFile, stack.toString("utf8"))), 0o644);
  const inOrder = [...files].filter(([name]) => name.startsWith("state/")).sort(([a], [b]) => rank(a) - rank(b));
  for (const [name, data] of inOrder) writeWhole(join(folder, name.slice("state/".length)), data, 0o600);
}

/**
 * The secrets and their key where they are lost. Those that are here are newer, and stay.
 * @throws UserError when they would be restored beside another key.
 */
function lostSecrets({ owner, env }: StatePlace, files: StateFiles): Array<[string, Buffer]> {
  const [file, keyFile] = [secretsFile(owner, env), secretsKeyFile(env)];
  const [secrets, key] = [files.get("secrets.age"), files.get("secrets-key")];
  if (secrets === undefined || key === undefined || existsSync(file)) return [];
  if (existsSync(keyFile) && !readFileSync(keyFile).equals(key)) {
    throw new UserError(
      `the backup's secrets are sealed with another key than ${keyFile}; move that file away, when no other stack needs it, and restore again`,
    );
  }
  return [
    [keyFile, key],
    [file, secrets],
  ];
}

function rank(name: string): number {
  return name.startsWith("state/stacks/") ? 1 : 0;
}

/** The settings as they are here with the salt of the backup; those of the backup where there are none. */
function withSaltOf(stackFile: string, saved: string): string {
  if (!existsSync(stackFile)) return saved;
  const salt = /^encryptionsalt:.*\n?/m.exec(saved)?.[0];
  const here = readFileSync(stackFile, "utf8");
  if (salt === undefined) return here;
  return `${here.replace(/^encryptionsalt:.*\n?/m, "").trimEnd()}\n${salt.trimEnd()}\n`;
}

/** The old file or the new one, never half of it. */
function writeWhole(file: string, data: Buffer, mode: number): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.restoring`;
  try {
    writeFileSync(temporary, data, { mode, flush: true });
    if (existsSync(file)) chmodSync(temporary, statSync(file).mode & 0o777);
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}
