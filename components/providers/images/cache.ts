import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** `$XDG_CACHE_HOME/mcp-estate`, else `~/.cache/mcp-estate`. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mcp-estate");
}

/**
 * A folder of the staging cache, filled once per key. `fill` works on a folder of its own that is renamed when it is
 * whole, so that neither a kill nor a second process leaves a half one behind under the final name.
 * @param key everything that the content depends on.
 */
export async function staged(key: readonly string[], fill: (folder: string) => Promise<void>): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 32);
  const folder = join(cacheFolder(), "staging", hash);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${randomUUID()}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await fill(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process was first: its folder holds the same.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
