import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Environment } from "./exec.ts";
import { isAlive } from "./fileLock.ts";
import type { Say } from "./log.ts";
import { cacheDir } from "./paths.ts";

/** Ends the dockerd that this run has started, by its process id, and waits up to 30 s for it. */
export async function stopDaemon(pid: number, say: Say, env: Environment = process.env): Promise<void> {
  say(`stopping the dockerd that these tests have started (process ${pid})`);
  process.kill(pid, "SIGTERM");
  for (let waited = 0; isAlive(pid) && waited < 30_000; waited += 100) await sleep(100);
  if (isAlive(pid)) say(`process ${pid} has not ended within 30 s`);
  else await rm(join(cacheDir(env), "dockerd.pid"), { force: true });
}
