import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One process of the host, as far as the guard looks at it. */
export interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  /** proc(5): `Z` ended and not collected, `T` stopped. */
  readonly state: string;
  readonly threads: number;
  readonly uid: number;
  /** It is PID 1 of a namespace of its own. */
  readonly init: boolean;
  /** 64 hex digits; undefined outside of containers. */
  readonly container: string | undefined;
  /** Text of its /proc/PID/cgroup. */
  readonly groups: string;
}

/** Control groups of containers end in the container's id, or lie below one. */
const CONTAINER = /(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:\/|$)/m;

/** Every process of the host, from its own table. Those that end meanwhile are left out. */
export function readHostProcesses(proc: string): HostProcess[] {
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(proc, Number(name)) ?? []);
}

function readProcess(proc: string, pid: number): HostProcess | undefined {
  try {
    const status = readFileSync(join(proc, `${pid}/status`), "latin1");
    const groups = readFileSync(join(proc, `${pid}/cgroup`), "utf8");
    const field = (name: string): string[] =>
      new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)?.[1]?.split(/\s+/) ?? [];
    const numbers = field("NSpid");
    return {
      pid,
      parent: Number(field("PPid")[0]),
      state: field("State")[0] ?? "?",
      threads: Number(field("Threads")[0] ?? 1),
      uid: Number(field("Uid")[0]),
      init: numbers.length > 1 && numbers.at(-1) === "1",
      container: CONTAINER.exec(groups)?.[1],
      groups,
    };
  } catch {
    return undefined;
  }
}

/** Words of its command line; none where it is gone or a thread of the kernel. */
export function commandOf(proc: string, pid: number): string[] {
  try {
    return readFileSync(join(proc, `${pid}/cmdline`), "utf8")
      .replace(/\0$/, "")
      .split("\0");
  } catch {
    return [];
  }
}
