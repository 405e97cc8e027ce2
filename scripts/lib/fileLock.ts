import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "./userError.ts";
import type { Say } from "./log.ts";

interface Holder {
  pid: number;
  host: string;
}

/**
 * Runs `work` while holding a lock file; a second process waits and says for whom. A lock whose process is dead is taken over.
 * @throws whatever `work` throws; the lock is given back in any case.
 */
export async function withFileLock<T>(file: string, say: Say, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  await acquire(file, say);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string, say: Say): Promise<void> {
  const me: Holder = { pid: process.pid, host: hostname() };
  const ticket = `${file}.${randomUUID()}`;
  await writeFile(ticket, JSON.stringify(me));
  try {
    let said = false;
    // A link is made whole or not at all: nobody ever reads half a lock.
    while (!(await linked(ticket, file))) {
      const holder = await readHolder(file);
      if (holder === undefined) continue; // given back this moment
      if (holder.host === me.host && !isAlive(holder.pid)) {
        await bury(file, holder);
        continue;
      }
      if (!said) say(`waiting for process ${holder.pid} on ${holder.host}, which does this already`);
      said = true;
      await sleep(200);
    }
  } finally {
    await rm(ticket, { force: true });
  }
}

/** Moves a dead process's lock away; if another has taken it over in between, it gets it back. */
async function bury(file: string, dead: Holder): Promise<void> {
  const grave = `${file}.${randomUUID()}`;
  try {
    await rename(file, grave);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const buried = await readHolder(grave);
  if (buried?.pid !== dead.pid) await linked(grave, file);
  await rm(grave, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

/** Whether a process of that id runs on this host (one of another user counts). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
