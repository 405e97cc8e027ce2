import { connectTo } from "../docker.ts";
import type Docker from "dockerode";
import type { Limits } from "../../../runtime/contract/index.ts";
import { execIn } from "../containerExec.ts";
import { readInsideGaps } from "../insideLimits.ts";
import { nodeNames, type Task } from "./tasks.ts";

const MIB = 1024 * 1024;
/** cgroup v1 writes "no limit" as the largest multiple of a page below 2^63. */
const UNLIMITED = 2 ** 62;

/** A running task with what its node's kernel enforces; bytes and cores. */
export interface ProvedTask {
  node: string;
  containerId: string;
  /** How its node is reached; absent for the connected Docker. */
  dockerHost?: string;
  kernel: TaskLimits;
}

export interface TaskLimits {
  pids: number | undefined;
  memoryBytes: number | undefined;
  /** Swap beside the memory that it may use: 0 where the node has none. */
  swapBytes: number;
  cpus: number | undefined;
  nofile: { soft: number; hard: number } | undefined;
  nproc: number | undefined;
  noNewPrivileges: boolean;
}

export interface ProofRequest {
  component: string;
  limits: Limits;
  /** The program in the task tells its own limits on /limits. */
  supervised: boolean;
  /** Host name → how its Docker is reached; "": the connected one. */
  nodes: Readonly<Record<string, string>>;
}

/**
 * Reads from inside of each task what its node's kernel enforces.
 * @throws Error with a line for each limit that is not what was declared, and naming a node that cannot be reached.
 */
export async function proveTasks(
  manager: Docker,
  tasks: readonly Task[],
  request: ProofRequest,
): Promise<ProvedTask[]> {
  const names = await nodeNames(manager);
  const proved = await Promise.all(tasks.map((task) => proveTask(task, names.get(task.NodeID ?? "") ?? "", request)));
  const gaps = proved.flatMap(({ gaps, task }) => gaps.map((gap) => `  ${task.node}: ${gap}`));
  if (gaps.length > 0) throw new Error(`${request.component}: what is declared is not what runs\n${gaps.join("\n")}`);
  return proved.map(({ task }) => task);
}

async function proveTask(
  task: Task,
  node: string,
  { component, limits, supervised, nodes }: ProofRequest,
): Promise<{ task: ProvedTask; gaps: string[] }> {
  const dockerHost = nodes[node] ?? onlyNode(nodes, node);
  const containerId = task.Status.ContainerStatus?.ContainerID ?? "";
  const container = connectTo(dockerHost === "" ? undefined : dockerHost).getContainer(containerId);
  let kernel: TaskLimits;
  try {
    kernel = await readTaskLimits(container);
  } catch (error) {
    throw new Error(
      `${component}: the limits of its task on ${node} cannot be read (${(error as Error).message}); does ${dockerHost || "the connected Docker"} of mcp-estate:swarm.nodes.${node} answer?`,
      { cause: error },
    );
  }
  const gaps = limitGaps(limits, kernel);
  if (supervised && gaps.length === 0) {
    for (const { limit, declared, actual } of await readInsideGaps(container)) {
      gaps.push(`${limit} (inside): ${declared} declared, ${actual ?? "none"} in force`);
    }
  }
  return { task: { node, containerId, kernel, ...(dockerHost === "" ? {} : { dockerHost }) }, gaps };
}

function onlyNode(nodes: Readonly<Record<string, string>>, node: string): string {
  if (Object.keys(nodes).length === 0) return "";
  throw new Error(
    `a task runs on node ${node}, whose Docker is not known; declare mcp-estate:swarm.nodes.${node} (known: ${Object.keys(nodes).join(", ")})`,
  );
}

/** Each line of the answer: NAME VALUE…; whichever version of cgroups the node has. */
const READ = [
  'p() { [ -r "$2" ] && echo "$1 $(cat "$2")"; }',
  "c=/sys/fs/cgroup",
  "p pids $c/pids/pids.max; p pids $c/pids.max",
  "p memory $c/memory/memory.limit_in_bytes; p memory $c/memory.max",
  "p memsw $c/memory/memory.memsw.limit_in_bytes; p swap $c/memory.swap.max",
  "p quota $c/cpu/cpu.cfs_quota_us; p period $c/cpu/cpu.cfs_period_us; p cpu $c/cpu.max",
  "grep -E '^(Max open files|Max processes)' /proc/1/limits; grep NoNewPrivs /proc/1/status; grep SwapTotal /proc/meminfo",
  "true",
].join("; ");

export async function readTaskLimits(container: Docker.Container): Promise<TaskLimits> {
  const { code, stdout } = await execIn(container, ["/bin/sh", "-c", READ]);
  if (code !== 0) throw new Error(code === -1 ? "its container does not run" : `exit code ${code}`);
  return parseTaskLimits(stdout);
}

/** @param text what READ prints. */
export function parseTaskLimits(text: string): TaskLimits {
  const value = (name: string): string | undefined => new RegExp(`^${name}\\s+(.*)$`, "m").exec(text)?.[1]?.trim();
  const bound = (name: string): number | undefined => {
    const number = Number(value(name) ?? NaN);
    return Number.isNaN(number) || number < 0 || number >= UNLIMITED ? undefined : number;
  };
  const [softFiles, hardFiles] = (value("Max open files") ?? "").split(/\s+/).map(Number);
  const nproc = Number((value("Max processes") ?? "").split(/\s+/)[0]);
  const [quota, period] = value("cpu")?.split(" ").map(Number) ?? [bound("quota"), bound("period")];
  const memoryBytes = bound("memory");
  const swapTotal = Number((value("SwapTotal:") ?? "0").split(" ")[0]) * 1024;
  const memsw = bound("memsw");
  const allowed = memsw === undefined ? (bound("swap") ?? Infinity) : memsw - (memoryBytes ?? 0);
  return {
    pids: bound("pids"),
    memoryBytes,
    swapBytes: Math.min(swapTotal, allowed),
    cpus: quota === undefined || period === undefined || Number.isNaN(quota) ? undefined : quota / period,
    nofile: softFiles === undefined || hardFiles === undefined ? undefined : { soft: softFiles, hard: hardFiles },
    nproc: Number.isNaN(nproc) ? undefined : nproc,
    noNewPrivileges: value("NoNewPrivs:") === "1",
  };
}

export function limitGaps(limits: Limits, kernel: TaskLimits): string[] {
  const pairs: Record<string, [declared: number, found: number | undefined]> = {
    pids: [limits.pids, kernel.pids],
    memory: [limits.memoryMiB * MIB, kernel.memoryBytes],
    cpus: [limits.cpus, kernel.cpus],
    "nofile soft": [limits.nofile.soft, kernel.nofile?.soft],
    "nofile hard": [limits.nofile.hard, kernel.nofile?.hard],
    nproc: [limits.nproc, kernel.nproc],
  };
  const gaps = Object.entries(pairs)
    .filter(([, [declared, found]]) => declared !== found)
    .map(([limit, [declared, found]]) => `${limit}: ${declared} declared, ${found ?? "none"} in force`);
  if (kernel.swapBytes > 0) {
    gaps.push(
      `swap: none declared, ${kernel.swapBytes} bytes in force; a service cannot be kept from swap: turn it off on the node (swapoff -a)`,
    );
  }
  if (!kernel.noNewPrivileges) {
    gaps.push(
      "no-new-privileges: declared, not in force; a service cannot ask for it: start the node's dockerd with --no-new-privileges",
    );
  }
  return gaps;
}
