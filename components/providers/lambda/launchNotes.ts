import { createHash } from "node:crypto";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../images/cache.ts";

/**
 * That a launch was begun, on this machine's disk: who was killed then finds its instance later than the list of the account
 * tells of it, and would launch another one.
 */
export async function noteLaunch(account: string, name: string): Promise<void> {
  await mkdir(folder(), { recursive: true });
  await writeFile(fileOf(account, name), "");
}

/** Milliseconds since a launch was begun of which nothing is known; Infinity where there is none. */
export async function sinceLaunch(account: string, name: string): Promise<number> {
  try {
    return Date.now() - (await stat(fileOf(account, name))).mtimeMs;
  } catch {
    return Infinity;
  }
}

/** What became of it is known. */
export async function forgetLaunch(account: string, name: string): Promise<void> {
  await rm(fileOf(account, name), { force: true });
}

function folder(): string {
  return join(cacheFolder(), "lambda");
}

function fileOf(account: string, name: string): string {
  const key = createHash("sha256").update(`${account} ${name}`).digest("hex").slice(0, 16);
  return join(folder(), `launch-${key}`);
}
