import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the kernel says of one container's control group; undefined what it does not say, Infinity no limit. */
export interface GroupReading {
  readonly tasks: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly cpuSeconds: number | undefined;
  readonly limits: {
    readonly pids: number | undefined;
    readonly memory_bytes: number | undefined;
    readonly cpus: number | undefined;
  };
}

/** Version 1 writes "no limit" as the largest multiple of a page below 2^63. */
const NO_LIMIT_BYTES = 2 ** 60;
const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

/**
 * Reads the control group of a process of the host. Never throws: what cannot be read is undefined.
 * @param groups text of its /proc/PID/cgroup.
 * @param root where the hierarchies are: that of version 2, or a folder with one for each controller.
 */
export function readGroup(groups: string, root: string): GroupReading {
  const paths = pathsIn(groups);
  return existsSync(join(root, "cgroup.controllers"))
    ? readUnified(join(root, paths.get("") ?? "/"))
    : readV1(paths, root);
}

function readUnified(folder: string): GroupReading {
  const file = (name: string) => readText(join(folder, name));
  const [quota, period] = file("cpu.max")?.split(" ") ?? [];
  const usage = field(file("cpu.stat"), "usage_usec");
  return {
    tasks: number(file("pids.current")),
    memoryBytes: inUse(number(file("memory.current")), field(file("memory.stat"), "inactive_file")),
    cpuSeconds: usage === undefined ? undefined : usage / MICROSECONDS,
    limits: {
      pids: number(file("pids.max")),
      memory_bytes: number(file("memory.max")),
      cpus: share(number(quota), number(period)),
    },
  };
}

function readV1(paths: ReadonlyMap<string, string>, root: string): GroupReading {
  const file = (controller: string, name: string) => {
    const path = paths.get(controller);
    return path === undefined ? undefined : readText(join(root, controller, path, name));
  };
  const memory = number(file("memory", "memory.limit_in_bytes"));
  const usage = number(file("cpuacct", "cpuacct.usage"));
  return {
    tasks: number(file("pids", "pids.current")),
    memoryBytes: inUse(
      number(file("memory", "memory.usage_in_bytes")),
      field(file("memory", "memory.stat"), "total_inactive_file"),
    ),
    cpuSeconds: usage === undefined ? undefined : usage / NANOSECONDS,
    limits: {
      pids: number(file("pids", "pids.max")),
      memory_bytes: memory !== undefined && memory >= NO_LIMIT_BYTES ? Infinity : memory,
      cpus: share(number(file("cpu", "cpu.cfs_quota_us")), number(file("cpu", "cpu.cfs_period_us"))),
    },
  };
}

/** proc(5): `hierarchy:controllers:path`; version 2 has the empty controller list. */
function pathsIn(groups: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of groups.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(",")) paths.set(controller, path);
  }
  return paths;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

function number(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  return text === "max" || text === "-1" ? Infinity : Number(text);
}

function field(text: string | undefined, name: string): number | undefined {
  return number(new RegExp(`^${name} (\\d+)$`, "m").exec(text ?? "")?.[1]);
}

/** Page cache that the kernel gives back under pressure is no use of memory. */
function inUse(bytes: number | undefined, cache = 0): number | undefined {
  return bytes === undefined ? undefined : Math.max(0, bytes - cache);
}

function share(quota: number | undefined, period: number | undefined): number | undefined {
  return quota === undefined || period === undefined ? undefined : quota / period;
}
