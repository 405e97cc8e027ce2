import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Memory, on Linux: what is written there never reaches a disk. */
const MEMORY = "/dev/shm";

/**
 * Does `work` with a folder that only this user can read, in memory where the system has such a place. It is gone
 * afterwards, also when a signal ends this process.
 */
export async function withPrivateFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(placeInMemory() ?? tmpdir(), "mcp-estate-settings-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  const onSignal = (signal: NodeJS.Signals): void => {
    // Whoever else listens ends in good order, and `finally` below with it.
    if (process.listenerCount(signal) > 1) return;
    remove();
    for (const each of signals) process.off(each, onSignal);
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await work(folder);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    remove();
  }
}

function placeInMemory(): string | undefined {
  try {
    accessSync(MEMORY, constants.W_OK);
    return MEMORY;
  } catch {
    return undefined;
  }
}
