import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Say } from "./log.ts";

/** Programs that an engine starts in the project's folder: plugins, the language host, and what those start. */
const ENGINE_CHILD = /pulumi-(resource|language|analyzer)-|@pulumi\/pulumi\/cmd\//;
/** Who adopts a process whose parent has died, beside process 1. */
const ADOPTERS: readonly string[] = ["systemd"];
const GONE_MS = 2_000;

/**
 * Ends what an engine that was killed has left behind in this project: the official plugins do not notice its death, and
 * one that goes on working would change things under the next update. A process whose engine lives is left alone.
 */
export async function endLeftPlugins(project: string, say: Say): Promise<void> {
  if (process.platform !== "linux") return;
  const folder = realpathSync(project);
  const left = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isLeft(pid, folder));
  if (left.length === 0) return;
  for (const pid of left) process.kill(pid, "SIGKILL");
  for (const end = Date.now() + GONE_MS; !left.every(hasEnded) && Date.now() < end;) await sleep(20);
  say(`an engine that was killed had left ${left.length} processes behind: ended ${left.join(", ")}`);
}

/** Gone, or a zombie that nobody has collected yet. */
export function hasEnded(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

function isLeft(pid: number, folder: string): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/cwd`) !== folder) return false;
    if (!ENGINE_CHILD.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"))) return false;
    const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    return parent === 1 || ADOPTERS.includes(readFileSync(`/proc/${parent}/comm`, "utf8").trim());
  } catch {
    return false; // it has just ended, or is another user's
  }
}
