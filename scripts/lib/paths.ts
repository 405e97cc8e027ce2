import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "./exec.ts";

/** The folder of this project. */
export const projectDir = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What can be made again: the engine, the bundled plugins, logs. */
export function cacheDir(env: Environment = process.env): string {
  return join(env["XDG_CACHE_HOME"] || join(homeOf(env), ".cache"), "mcp-estate");
}

/** What can not be made again: passphrases, the key of the backups. */
export function configDir(env: Environment = process.env): string {
  return join(env["XDG_CONFIG_HOME"] || join(homeOf(env), ".config"), "mcp-estate");
}

/** What is kept for its own sake: backups. */
export function dataDir(env: Environment = process.env): string {
  return join(env["XDG_DATA_HOME"] || join(homeOf(env), ".local", "share"), "mcp-estate");
}

/** The passphrase of a checkout: one file per project folder, outside it, so that git never sees it. */
export function passphraseFile(project: string, env: Environment = process.env): string {
  const id = createHash("sha256").update(realpathSync(project)).digest("hex").slice(0, 16);
  return join(configDir(env), `passphrase-${id}`);
}

function homeOf(env: Environment): string {
  return env["HOME"] || homedir();
}
