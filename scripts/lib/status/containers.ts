import type Docker from "dockerode";
import { ofStack, type Owner } from "../leftOvers.ts";
import type { ContainerFacts } from "./facts.ts";

const MIB = 1024 * 1024;

interface Stats {
  pids_stats?: { current?: number };
  memory_stats?: { usage?: number; stats?: { inactive_file?: number; total_inactive_file?: number } };
}

/** Every container of the stack, those that do not run too, by name. */
export async function readContainers(
  docker: Docker,
  owner: Owner,
  declared: Readonly<Record<string, { limits: { pids: number; memoryMiB: number } }>>,
): Promise<ContainerFacts[]> {
  const listed = await docker.listContainers({ all: true, filters: ofStack(owner) });
  const facts = await Promise.all(listed.map(({ Id }) => readContainer(docker.getContainer(Id), declared)));
  return facts.filter((each) => each !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** undefined when it is gone by now. */
async function readContainer(
  container: Docker.Container,
  declared: Parameters<typeof readContainers>[2],
): Promise<ContainerFacts | undefined> {
  try {
    const { State, HostConfig, Config, RestartCount } = await container.inspect();
    const { stats, processes } = State.Running ? await readUse(container) : { stats: {}, processes: 0 };
    const { usage = 0, stats: memory } = stats.memory_stats ?? {};
    // Page cache that the kernel gives back under pressure is no use of memory.
    const cache = memory?.total_inactive_file ?? memory?.inactive_file ?? 0;
    const limits = declared[Config.Hostname.split("--")[0] ?? ""]?.limits;
    return {
      name: Config.Hostname,
      state: State.Paused ? "paused" : State.Status,
      health: State.Health?.Status ?? "none",
      tasks: stats.pids_stats?.current ?? 0,
      pidsLimit: HostConfig.PidsLimit ?? 0,
      processes,
      memoryMiB: Math.round(Math.max(0, usage - cache) / MIB),
      memoryLimitMiB: Math.round((HostConfig.Memory ?? 0) / MIB),
      restarts: RestartCount,
      upSeconds: State.Running ? Math.max(0, Math.round((Date.now() - Date.parse(State.StartedAt)) / 1000)) : 0,
      ...(limits ? { declared: { pids: limits.pids, memoryMiB: limits.memoryMiB } } : {}),
    };
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

async function readUse(container: Docker.Container): Promise<{ stats: Stats; processes: number }> {
  const [stats, { Processes }] = await Promise.all([
    // One reading; the default waits a second for a second one, which only the share of processors needs.
    container.stats({ stream: false, "one-shot": true }) as Promise<Stats>,
    container.top() as Promise<{ Processes: string[][] | null }>,
  ]);
  return { stats, processes: Processes?.length ?? 0 };
}
