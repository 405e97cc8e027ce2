import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
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
  removeCutOffAttributes(prepared, stack);
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

/**
 * Beside the state the engine writes a file of attributes, and that one in place: an engine that was killed meanwhile
 * leaves it empty, and the next refuses the (whole) state with "EOF". It reads a state without attributes.
 */
function removeCutOffAttributes(prepared: Prepared, stack: string): void {
  const root = join(stateFolder(prepared.env) ?? "", "stacks");
  if (!existsSync(root)) return;
  const name = stack.split("/").at(-1) ?? stack;
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    const file = join(root, path);
    const isOurs = basename(path).startsWith(`${name}.json`) && path.endsWith(".attrs");
    if (isOurs && readJson(file) === undefined) rmSync(file);
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
