import type Docker from "dockerode";

/** What a container uses now. */
export interface Usage {
  memoryMiB: number;
  pids: number;
  /** Open files that each of its processes may have; undefined where that is not to be seen. */
  nofile: { soft: number; hard: number } | undefined;
}

/** Shape of `limits` in the settings. */
export interface ServiceLimits {
  memoryMiB: number;
  memoryReservationMiB: number;
  cpus: number;
  pids: number;
  processes: number;
  nofile: { soft: number; hard: number };
  nproc: number;
}

const MIB = 1024 * 1024;
/** Where a container had no limit: room for twice, of tasks for four times what it uses, and no less than these. */
const LEAST = { memoryMiB: 512, cpus: 1, pids: 128 };
/** The kernel's own for process 1: no Docker is too weak to set it. */
const NOFILE = { soft: 1024, hard: 4096 };
/** What the kernel takes for "unlimited" (fs.nr_open). */
const MOST_FILES = 1_048_576;
/** nproc counts per uid over the whole host, and containers of foreign images share their uids. */
const LEAST_NPROC = 4096;
const STEP_MIB = 64;
/** Ulimits that an entry has. */
const KNOWN_ULIMITS = new Set(["nofile", "nproc"]);

function bounded(files: number): number {
  return files < 0 ? MOST_FILES : files;
}

/** The limits that a container has, and reasonable ones in place of those that it lacks. */
export function limitsOf(
  host: Docker.HostConfig,
  usage: Usage | undefined,
): { limits: ServiceLimits; notes: string[]; losses: string[] } {
  const notes: string[] = [];
  const given = (what: string, own: number | undefined, otherwise: number, uses: string) => {
    if (own !== undefined && own > 0) return own;
    notes.push(`${what} had no limit and gets ${otherwise}${uses}`);
    return otherwise;
  };
  const now = (value: number | undefined) => (value === undefined ? "" : ` (it uses ${value})`);
  const memoryMiB = given(
    "memoryMiB",
    Math.ceil((host.Memory ?? 0) / MIB),
    Math.max(LEAST.memoryMiB, Math.ceil((2 * (usage?.memoryMiB ?? 0)) / STEP_MIB) * STEP_MIB),
    now(usage?.memoryMiB),
  );
  const quota = host.CpuPeriod ? (host.CpuQuota ?? 0) / host.CpuPeriod : (host.CpuQuota ?? 0) / 100_000;
  const cpus = given("cpus", host.NanoCpus ? host.NanoCpus / 1e9 : quota, LEAST.cpus, "");
  const pids = given("pids", host.PidsLimit ?? 0, Math.max(LEAST.pids, 4 * (usage?.pids ?? 0)), now(usage?.pids));
  const ulimits = (host.Ulimits ?? []) as { Name: string; Soft: number; Hard: number }[];
  const ulimit = (name: string) => ulimits.find(({ Name }) => Name === name);
  const nofile = ulimit("nofile");
  const nproc = ulimit("nproc");
  const enough = Math.max(LEAST_NPROC, 2 * pids);
  const hadSwap = (host.MemorySwap ?? 0) < 0 || (host.MemorySwap ?? 0) > (host.Memory ?? 0);
  return {
    limits: {
      memoryMiB,
      memoryReservationMiB: Math.min(
        memoryMiB,
        Math.ceil((host.MemoryReservation ?? 0) / MIB) || Math.ceil(memoryMiB / 4),
      ),
      cpus,
      pids,
      processes: pids,
      nofile: nofile ? { soft: bounded(nofile.Soft), hard: bounded(nofile.Hard) } : (usage?.nofile ?? NOFILE),
      nproc: Math.max(nproc?.Hard ?? 0, enough),
    },
    notes: host.Memory && hadSwap ? [...notes, "it gets no swap on top of its memory"] : notes,
    losses: ulimits.filter(({ Name }) => !KNOWN_ULIMITS.has(Name)).map(({ Name }) => `the ulimit ${Name}`),
  };
}
