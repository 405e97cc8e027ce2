import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What the kernel enforces for one container, read from the host. `undefined` = no limit set. */
export interface KernelLimits {
  memoryBytes: number | undefined;
  /** Memory and swap together; equal to `memoryBytes` where no swap is allowed. `undefined` also without swap accounting. */
  memorySwapBytes: number | undefined;
  cpus: number | undefined;
  pids: number | undefined;
  nofile: { soft: number; hard: number } | undefined;
  nproc: number | undefined;
}

/** Above this a v1 memory limit means "none": the kernel writes the largest multiple of the page size. */
const NO_LIMIT_BYTES = 2 ** 62;

/**
 * Reads the limits of a process of this host from its cgroup (v1 or v2) and its rlimits.
 * @param pid process in the container, in the host's numbering.
 * @param root folder that holds `proc` and `sys`; tests give a recorded tree. @default "/"
 * @throws Error (ENOENT) when the process is gone.
 */
export async function readKernelLimits(pid: number, root = "/"): Promise<KernelLimits> {
  const cgroups = parseCgroups(await readFile(join(root, `proc/${pid}/cgroup`), "utf8"));
  const rlimits = await readFile(join(root, `proc/${pid}/limits`), "utf8");
  const nproc = parseRlimit(rlimits, "Max processes");
  const shared = { nofile: parseRlimit(rlimits, "Max open files"), nproc: nproc?.hard };
  const hierarchy = join(root, "sys/fs/cgroup");
  const unified = cgroups.get("");
  if (!cgroups.has("pids") && unified !== undefined) {
    const read = (file: string) => readOptional(join(hierarchy, unified, file));
    const memoryBytes = toLimit(await read("memory.max"));
    const swap = toLimit(await read("memory.swap.max"));
    return {
      ...shared,
      memoryBytes,
      memorySwapBytes: memoryBytes === undefined || swap === undefined ? undefined : memoryBytes + swap,
      cpus: parseCpuMax(await read("cpu.max")),
      pids: toLimit(await read("pids.max")),
    };
  }
  const read = (controller: string, file: string) =>
    readOptional(join(hierarchy, controller, cgroups.get(controller) ?? "", file));
  const quota = Number(await read("cpu", "cpu.cfs_quota_us"));
  const period = Number(await read("cpu", "cpu.cfs_period_us"));
  return {
    ...shared,
    memoryBytes: toLimit(await read("memory", "memory.limit_in_bytes")),
    memorySwapBytes: toLimit(await read("memory", "memory.memsw.limit_in_bytes")),
    cpus: quota > 0 && period > 0 ? quota / period : undefined,
    pids: toLimit(await read("pids", "pids.max")),
  };
}

/** `/proc/PID/cgroup` as controller → path; the unified hierarchy of v2 has the empty name. */
export function parseCgroups(text: string): Map<string, string> {
  const result = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(",")) result.set(controller, path);
  }
  return result;
}

function parseRlimit(text: string, label: string): { soft: number; hard: number } | undefined {
  const line = text.split("\n").find((candidate) => candidate.startsWith(label));
  const [soft, hard] = line?.slice(label.length).trim().split(/\s+/) ?? [];
  if (soft === undefined || hard === undefined || hard === "unlimited") return undefined;
  return { soft: soft === "unlimited" ? Number(hard) : Number(soft), hard: Number(hard) };
}

function parseCpuMax(text: string | undefined): number | undefined {
  const [quota, period] = text?.trim().split(" ") ?? [];
  if (quota === undefined || quota === "max") return undefined;
  return Number(quota) / Number(period);
}

function toLimit(text: string | undefined): number | undefined {
  const value = text?.trim();
  if (value === undefined || value === "" || value === "max") return undefined;
  const bytes = Number(value);
  return bytes >= NO_LIMIT_BYTES ? undefined : bytes;
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
