import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serverOf, type ServerSignature } from "../../runtime/contract/index.ts";

/** An MCP server that runs on the host, outside of every container. */
export interface HostProcess {
  pid: number;
  /** Clock ticks after boot: with the pid it names one process, whatever is started later under that number. */
  startTime: string;
  package: string;
  argv: readonly string[];
  /** ISO time. */
  created: string;
  memoryMiB: number;
}

/** Control groups of containers end in the container's id, or lie below one. */
const CONTAINER_CGROUP = /(^|[/:-])[0-9a-f]{64}(\.scope)?(\/|$)/m;
const TICKS_PER_SECOND = 100;
const PAGE_KIB = 4;
/** Seconds between TERM and KILL. */
const GRACE_SECONDS = 5;

/**
 * Processes of this machine, outside of containers, whose start command is that of a known server (R-DRF-05, R-DRF-06).
 * @param allowed texts: a process whose command line holds one is left alone.
 * @param root folder that holds `proc`; tests give a recorded tree. @default "/"
 */
export async function findHostProcesses(
  servers: readonly ServerSignature[],
  allowed: readonly string[],
  root = "/",
): Promise<HostProcess[]> {
  const proc = join(root, "proc");
  const bootSeconds = Number(/^btime (\d+)$/m.exec(await readFile(join(proc, "stat"), "utf8"))?.[1]);
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => readProcess(proc, Number(pid), bootSeconds, servers)));
  return found
    .filter((process) => process !== undefined)
    .filter(({ argv, pid }) => pid !== globalThis.process.pid && !allowed.some((text) => argv.join(" ").includes(text)))
    .sort((a, b) => a.pid - b.pid);
}

/**
 * Ends a process: TERM, and KILL after 5 s. Never one that took over its pid.
 * @throws Error when it is still there afterwards.
 */
export async function endHostProcess({ pid, startTime }: Pick<HostProcess, "pid" | "startTime">): Promise<void> {
  const isSame = async () => (await startTimeOf("/proc", pid)) === startTime;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!(await isSame())) return;
    process.kill(pid, signal);
    for (let waited = 0; waited < GRACE_SECONDS * 10; waited += 1) {
      await sleep(100);
      if (!(await isSame())) return;
    }
  }
  throw new Error(`process ${pid} is still there after SIGKILL`);
}

async function readProcess(
  proc: string,
  pid: number,
  bootSeconds: number,
  servers: readonly ServerSignature[],
): Promise<HostProcess | undefined> {
  try {
    const argv = (await readFile(join(proc, `${pid}/cmdline`), "utf8")).replace(/\0$/, "").split("\0");
    const server = serverOf(argv, servers);
    if (server === undefined) return undefined;
    if (CONTAINER_CGROUP.test(await readFile(join(proc, `${pid}/cgroup`), "utf8"))) return undefined;
    const startTime = await startTimeOf(proc, pid);
    if (startTime === undefined) return undefined;
    const pages = Number((await readFile(join(proc, `${pid}/statm`), "utf8")).split(" ")[1]);
    const created = new Date((bootSeconds + Number(startTime) / TICKS_PER_SECOND) * 1000);
    const memoryMiB = Math.round((pages * PAGE_KIB) / 1024);
    return { pid, startTime, package: server, argv, created: created.toISOString(), memoryMiB };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // It ended while it was being looked at.
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

/** Field 22 of /proc/PID/stat; undefined when the process is gone or a zombie. */
async function startTimeOf(proc: string, pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(join(proc, `${pid}/stat`), "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
