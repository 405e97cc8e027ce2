import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const RETRY_MS = 200;
const running = new Map<string, Promise<unknown>>();

/** Calls of the same key that overlap within this process share one run of `work`. */
export function singleFlight<T>(key: string, work: () => Promise<T>): Promise<T> {
  const current = running.get(key) as Promise<T> | undefined;
  if (current) return current;
  const started = work().finally(() => running.delete(key));
  running.set(key, started);
  return started;
}

/**
 * Runs `work` while no other process of this machine runs it under the same key. The lock is a listening socket, so
 * that the kernel frees it when its holder dies: no stale lock files.
 */
export async function exclusive<T>(key: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  // Hashed, as names of sockets end at 107 characters.
  const name = `mcp-estate-${createHash("sha256").update(key).digest("hex").slice(0, 32)}`;
  // A Linux abstract socket; elsewhere a socket file, which libuv unlinks on close.
  const path = process.platform === "linux" ? `\0${name}` : join(tmpdir(), `${name}.sock`);
  let lock = await listen(path);
  if (!lock) onWait();
  while (!lock) {
    await sleep(RETRY_MS);
    lock = await listen(path);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server.unref()));
  });
}
