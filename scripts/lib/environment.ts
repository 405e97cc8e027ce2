import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Engine } from "./engine.ts";
import type { Environment } from "./exec.ts";
import { passphraseFile } from "./paths.ts";
import { projectName } from "./projectName.ts";
import { readStackFile, type StackFile } from "./stackFile.ts";
import { codeOf, UserError } from "./userError.ts";

export interface EnvironmentOptions {
  project: string;
  stack: string;
  engine: Engine;
  /** The bundled stand-ins of offline/, where the engine is not official. */
  offline?: { binDir: string; env: Record<string, string> } | undefined;
  /** @default process.env */
  env?: Environment;
  /** What to do when the stack is encrypted and its passphrase is nowhere. @default "fail" */
  onMissingPassphrase?: "fail" | "leaveUnset";
}

/**
 * The environment in which the engine runs. What the user has set wins over every default.
 * @throws UserError when a passphrase is needed and there is none.
 */
export function engineEnvironment(options: EnvironmentOptions): Environment {
  const env = options.env ?? process.env;
  const folders = [
    join(options.project, "node_modules", "node", "bin"),
    dirname(options.engine.file),
    ...(options.offline === undefined ? [] : [options.offline.binDir]),
    env["PATH"] ?? "",
  ];
  return {
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The engine's garbage collector: a preview of 100 servers took 4.9 s of processor time as Go sets it, 3.5 s with this.
    GOGC: "400",
    ...(options.offline === undefined ? {} : { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" }),
    ...env,
    ...options.offline?.env,
    ...backend(options.project, env),
    ...passphrase(options, env),
    PATH: folders.join(delimiter),
  };
}

/** The user's backend; else state in `.pulumi/` of the project folder, unless an access token says Pulumi Cloud. */
function backend(project: string, env: Environment): Environment {
  if (env["PULUMI_BACKEND_URL"] || env["PULUMI_ACCESS_TOKEN"]) return {};
  return { PULUMI_BACKEND_URL: pathToFileURL(project).href };
}

/** The folder that holds this project's state, or undefined where the backend is not a folder of this machine. */
export function stateFolder(env: Environment): string | undefined {
  const url = env["PULUMI_BACKEND_URL"];
  if (!url?.startsWith("file://")) return undefined;
  const path = decodeURIComponent(url.slice("file://".length).split("?")[0] ?? "");
  return join(path.startsWith("~") ? (env["HOME"] ?? "") + path.slice(1) : path, ".pulumi");
}

function passphrase(options: EnvironmentOptions, env: Environment): Environment {
  if (env["PULUMI_CONFIG_PASSPHRASE"] !== undefined) return {};
  const usersFile = env["PULUMI_CONFIG_PASSPHRASE_FILE"];
  if (usersFile) {
    if (existsSync(usersFile)) return {};
    throw new UserError(
      `PULUMI_CONFIG_PASSPHRASE_FILE is "${usersFile}", and there is no such file; correct or unset it`,
    );
  }
  const stackFile = readStackFile(options.project, options.stack);
  if (encryptsElsewhere(env, stackFile?.secretsProvider)) return {};

  const file = passphraseFile(options.project, env);
  if (!existsSync(file)) {
    if (stackFile?.hasSalt === true && !dropForeignSalt(options, stackFile)) {
      if (options.onMissingPassphrase === "leaveUnset") return {};
      throw new UserError(
        `stack "${options.stack}" is encrypted (encryptionsalt in ${stackFile.file}) and its passphrase is not here: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE, or put it into ${file}; a stack that was never deployed from here can drop the encryptionsalt line instead`,
      );
    }
    writeNewPassphrase(file);
  }
  return { PULUMI_CONFIG_PASSPHRASE_FILE: file };
}

/**
 * A salt that came with the checkout encrypts nothing here: no state, no encrypted setting. It goes, and this folder
 * gets a passphrase of its own.
 * @returns false when the salt is in use, and then nothing was changed.
 */
function dropForeignSalt({ project, stack, env = process.env }: EnvironmentOptions, stackFile: StackFile): boolean {
  const text = readFileSync(stackFile.file, "utf8");
  const state = stateFolder({ ...env, ...backend(project, env) });
  // In any style of YAML: {secure: …} on one line too.
  if (/\bsecure["']?:/.test(text) || state === undefined) return false;
  const name = stack.split("/").at(-1) ?? stack;
  if (existsSync(join(state, "stacks", projectName(project), `${name}.json`))) return false;
  writeFileSync(stackFile.file, text.replace(/^encryptionsalt:.*\n?/m, ""));
  return true;
}

/** Pulumi Cloud and key services (awskms://…) need no passphrase of ours. */
function encryptsElsewhere(env: Environment, secretsProvider: string | undefined): boolean {
  return secretsProvider === undefined ? isPulumiCloud(env) : secretsProvider !== "passphrase";
}

/** Whether state lies in Pulumi Cloud, as the user has set it: there the engine itself opens environments. */
export function isPulumiCloud(env: Environment): boolean {
  const url = env["PULUMI_BACKEND_URL"];
  return url ? /^https?:/.test(url) : Boolean(env["PULUMI_ACCESS_TOKEN"]);
}

/** Readable by its owner alone. Two at once: the first one's stays. */
function writeNewPassphrase(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (codeOf(error) !== "EEXIST" || readFileSync(file, "utf8").trim() === "") throw error;
  }
}
