import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { z } from "zod";
import { stateFolder } from "./environment.ts";
import { capture } from "./exec.ts";
import { isAlive } from "./fileLock.ts";
import type { Say } from "./log.ts";
import type { Prepared } from "./prepare.ts";
import { UserError } from "./userError.ts";

const lockFile = z.object({ pid: z.number(), username: z.string(), hostname: z.string(), timestamp: z.string() });

type StackLock = z.infer<typeof lockFile>;

/**
 * Looks at the stack's locks in a file backend before an update. Those of dead processes of this host are taken away with one line
 * said; that of a live one, or of another host, is respected.
 * @throws UserError that names the holder and since when.
 */
export async function mendStackLock(prepared: Prepared, project: string, stack: string, say: Say): Promise<void> {
  const locks = readLocks(prepared, stack);
  const held = locks.find((lock) => !isDead(lock));
  if (held !== undefined) {
    const elsewhere = held.hostname === hostname() ? "" : ` on host ${held.hostname}`;
    throw new UserError(
      `stack "${stack}" is being changed by process ${held.pid}${elsewhere} (user ${held.username}, since ${held.timestamp}); wait for it, or, when you know that it is gone: npm run pulumi -- cancel --yes --stack ${stack}`,
    );
  }
  const [dead] = locks;
  if (dead === undefined) return;
  mendCheckpoint(prepared, stack, say);
  const { code, stderr } = await capture(prepared.engine.file, ["cancel", "--yes", "--stack", stack], {
    cwd: project,
    env: prepared.env,
  });
  if (code !== 0)
    throw new UserError(
      `the lock of dead process ${dead.pid} on stack "${stack}" cannot be taken away: ${stderr.trim()}`,
    );
  say(`stack "${stack}" was locked by process ${dead.pid}, which is dead (since ${dead.timestamp}): lock taken away`);
}

/** An engine that was killed while it wrote the state leaves a file cut off; the one of just before lies beside it. */
function mendCheckpoint(prepared: Prepared, stack: string, say: Say): void {
  const root = join(stateFolder(prepared.env) ?? "", "stacks");
  if (!existsSync(root)) return;
  const name = `${stack.split("/").at(-1) ?? stack}.json`;
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    const file = join(root, path);
    const former = `${file}.bak`;
    if (basename(path) !== name || readJson(file) !== undefined || readJson(former) === undefined) continue;
    // In one step: who is killed here as well leaves one of the two whole.
    copyFileSync(former, `${file}.mended`);
    renameSync(`${file}.mended`, file);
    say(`the state of stack "${stack}" was cut off when its update was killed: the state of just before is used`);
  }
}

function readLocks(prepared: Prepared, stack: string): StackLock[] {
  const state = stateFolder(prepared.env);
  if (state === undefined) return []; // other backends keep their own locks
  const name = stack.split("/").at(-1) ?? stack;
  const root = join(state, "locks");
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".json") && path.split("/").at(-2) === name)
    .flatMap((path) => {
      const read = lockFile.safeParse(readJson(join(root, path)));
      return read.success ? [read.data] : [];
    });
}

/** Dead: its host is this one, and no engine runs under its process id (which may long be another program's). */
function isDead(lock: StackLock): boolean {
  if (lock.hostname !== hostname()) return false;
  if (!isAlive(lock.pid)) return true;
  const program = `/proc/${lock.pid}/cmdline`;
  return existsSync(program) && !readFileSync(program, "utf8").split("\0")[0]?.includes("pulumi");
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // given back this moment
  }
}
