/**
 * Tries, in the container that it runs in, what its account may do beside the network. Prints the answer as JSON. It is
 * handed over as text, so it imports nothing but Node's own.
 */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";

export interface Powers {
  /** Files and folders that it may write; of a folder that it may write nothing below. */
  writable: string[];
  /** Folders of those tried in which a file could be made. */
  written: string[];
  /** Unix sockets in any folder. */
  sockets: string[];
  /** Block devices in any folder. */
  blockDevices: string[];
  /** Of every process that it sees: the lines of /proc/PID/status on capabilities, new privileges and seccomp. */
  processes: Array<Record<string, string>>;
  /** Exit code of making a user namespace, in which it would have all capabilities. */
  userNamespace: number | null;
}

/** Folders that a program would try first. */
const TRIED = [
  "/",
  "/app",
  "/dev",
  "/dev/shm",
  "/etc",
  "/home",
  "/opt",
  "/run",
  "/run/secrets",
  "/tmp",
  "/usr/local/bin",
  "/var/tmp",
];
/** The kernel's own: what may be written there is no file. */
const KERNEL = new Set(["/proc", "/sys"]);

const found: Pick<Powers, "writable" | "sockets" | "blockDevices"> = { writable: [], sockets: [], blockDevices: [] };

function look(path: string): void {
  if (KERNEL.has(path)) return;
  let stats: Stats;
  let children: string[] = [];
  try {
    stats = lstatSync(path);
    if (stats.isDirectory()) children = readdirSync(path);
  } catch {
    return; // not for this account's eyes
  }
  if (stats.isSocket()) found.sockets.push(path);
  if (stats.isBlockDevice()) found.blockDevices.push(path);
  const holds = stats.isDirectory() || stats.isFile();
  const mayWrite = holds && isWritable(path);
  if (mayWrite) found.writable.push(path);
  const before = found.writable.length;
  for (const child of children) look(join(path, child));
  if (mayWrite) found.writable.length = before;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function canWrite(folder: string): boolean {
  const file = join(folder, "mcp-estate-probe");
  try {
    writeFileSync(file, "x");
    rmSync(file);
    return true;
  } catch {
    return false;
  }
}

/** Nothing of a process that has ended meanwhile. */
function statusOf(pid: string): Array<Record<string, string>> {
  let lines: string[];
  try {
    lines = readFileSync(`/proc/${pid}/status`, "utf8").split("\n");
  } catch {
    return [];
  }
  const fields = lines.filter((line) => /^(Cap\w+|NoNewPrivs|Seccomp):/.test(line));
  return [Object.fromEntries(fields.map((line) => line.split(":\t") as [string, string]))];
}

look("/");
const powers: Powers = {
  ...found,
  written: TRIED.filter(canWrite),
  processes: readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap(statusOf),
  userNamespace: spawnSync("/usr/bin/unshare", ["--user", "/usr/bin/true"]).status,
};
process.stdout.write(JSON.stringify(powers));
