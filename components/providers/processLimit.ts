import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import type Docker from "dockerode";
import type { Limits } from "../../runtime/contract/index.ts";
import { connect, isLocal, isNotFound } from "./docker.ts";
import { readInsideGaps, untilReady, type InsideGap } from "./insideLimits.ts";
import { readKernelLimits, type KernelLimits } from "./kernelLimits.ts";

/** Inputs of the resource; the observed ones make a diff say why. */
export interface ProcessLimitInputs {
  containerId: string;
  /** Label for messages: the component that the container belongs to. */
  component: string;
  limits: Limits;
  /** The container's program tells its own limits on /limits. */
  supervised: boolean;
  /** How long its server may take to give its first good answer, in seconds; absent where it is not to run. */
  readySeconds?: number | undefined;
  /** Command that ends with 0 when it is ready; absent where its program says so on /ready. */
  readyCommand?: readonly string[] | undefined;
  /** What Docker has; declared as `limits.pids`. */
  observedPids: number;
  /** `running` when all is well, else Docker's own word. */
  observedState: string;
}

/** What was found in force when the resource was last created or updated. */
export interface ProcessLimitState extends ProcessLimitInputs {
  effective: EffectiveLimits;
  /** When, ISO 8601: another value in the next update says that the container was touched since. */
  provedAt: string;
}

/** One container's limits as Docker and, on this machine, the kernel have them; bytes and cores. */
export interface EffectiveLimits {
  docker: { pids: number; memoryBytes: number; memorySwapBytes: number; memoryReservationBytes: number; cpus: number };
  /** Absent where the Docker host is another machine. */
  kernel?: KernelLimits;
}

/** One limit that is not what was declared. */
export interface LimitGap {
  limit: string;
  declared: string;
  effective: string;
}

const MIB = 1024 * 1024;

/**
 * Sets the pids limit while the container stands still, starts it, and compares what the kernel enforces with what
 * was declared. Never leaves a container running whose limits differ.
 * @throws Error with a table of the gaps.
 */
export async function ensureProcessLimit(inputs: ProcessLimitInputs): Promise<ProcessLimitState> {
  const container = connect().getContainer(inputs.containerId);
  await container.update({ PidsLimit: inputs.limits.pids });
  const { State } = await container.inspect();
  if (State.Paused) await container.unpause();
  else if (!State.Running) await container.start();
  const { info, effective, gaps } = await proveLimits(inputs);
  if (gaps.length > 0) {
    await container.stop().catch(() => undefined);
    throw new Error(
      `${inputs.component}: what is declared is not what runs; the container was stopped\n${table(gaps)}`,
    );
  }
  const { component, readySeconds, readyCommand } = inputs;
  if (readySeconds !== undefined) await untilReady(container, component, readySeconds, readyCommand);
  const observed = { observedPids: effective.docker.pids, observedState: stateOf(info) };
  return { ...inputs, ...observed, effective, provedAt: new Date().toISOString() };
}

/** What is in force in a running container, and where that is not what was declared. */
export async function proveLimits({
  containerId,
  limits,
  supervised,
}: Pick<ProcessLimitInputs, "containerId" | "limits" | "supervised">): Promise<{
  info: Docker.ContainerInspectInfo;
  effective: EffectiveLimits;
  gaps: LimitGap[];
}> {
  const container = connect().getContainer(containerId);
  const info = await container.inspect();
  const kernel = await kernelLimitsOf(info);
  const effective: EffectiveLimits = { docker: dockerLimitsOf(info), ...(kernel ? { kernel } : {}) };
  const gaps = [...dockerGaps(limits, effective.docker), ...kernelGaps(limits, kernel)];
  if (supervised && gaps.length === 0) gaps.push(...(await readInsideGaps(container)).map(fromInside));
  return { info, effective, gaps };
}

/** What Docker says of the container now; undefined when it is gone. */
export async function observeProcessLimit(
  containerId: string,
): Promise<Pick<ProcessLimitInputs, "observedPids" | "observedState"> | undefined> {
  try {
    const info = await connect().getContainer(containerId).inspect();
    return { observedPids: info.HostConfig.PidsLimit ?? 0, observedState: stateOf(info) };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Another container is another resource; everything else is put right in place. */
export function diffProcessLimit(olds: ProcessLimitInputs, news: ProcessLimitInputs): DiffResult {
  const replaces = olds.containerId === news.containerId ? [] : ["containerId"];
  const inPlace = ["limits", "supervised", "observedPids", "observedState"] as const;
  const same = inPlace.every((key) => isDeepStrictEqual(olds[key], news[key]));
  return { changes: replaces.length > 0 || !same, replaces };
}

function stateOf(info: Docker.ContainerInspectInfo): string {
  return info.State.Running && !info.State.Paused ? "running" : info.State.Status;
}

function dockerLimitsOf({ HostConfig: host }: Docker.ContainerInspectInfo): EffectiveLimits["docker"] {
  return {
    pids: host.PidsLimit ?? 0,
    memoryBytes: host.Memory ?? 0,
    memorySwapBytes: host.MemorySwap ?? 0,
    memoryReservationBytes: host.MemoryReservation ?? 0,
    cpus: (host.NanoCpus ?? 0) / 1e9,
  };
}

function dockerGaps(limits: Limits, effective: EffectiveLimits["docker"]): LimitGap[] {
  return gapsOf("Docker", {
    pids: [limits.pids, effective.pids],
    memory: [limits.memoryMiB * MIB, effective.memoryBytes],
    "memory and swap": [limits.memoryMiB * MIB, effective.memorySwapBytes],
    "memory reservation": [limits.memoryReservationMiB * MIB, effective.memoryReservationBytes],
    cpus: [limits.cpus, effective.cpus],
  });
}

/** The kernel's own values; undefined where the host is another machine. */
async function kernelLimitsOf(info: Docker.ContainerInspectInfo): Promise<KernelLimits | undefined> {
  if (!isLocal()) return undefined;
  try {
    return await readKernelLimits(info.State.Pid);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // A Docker in a virtual machine of its own has pids that mean nothing here; a container that already ended too.
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

function kernelGaps(limits: Limits, kernel: KernelLimits | undefined): LimitGap[] {
  if (!kernel) return [];
  return gapsOf("kernel", {
    pids: [limits.pids, kernel.pids],
    memory: [limits.memoryMiB * MIB, kernel.memoryBytes],
    cpus: [limits.cpus, kernel.cpus],
    "nofile soft": [limits.nofile.soft, kernel.nofile?.soft],
    "nofile hard": [limits.nofile.hard, kernel.nofile?.hard],
    nproc: [limits.nproc, kernel.nproc],
  });
}

function fromInside({ limit, declared, actual }: InsideGap): LimitGap {
  return { limit: `${limit} (inside)`, declared: String(declared), effective: String(actual ?? "none") };
}

function gapsOf(source: string, pairs: Record<string, [declared: number, effective: number | undefined]>): LimitGap[] {
  return Object.entries(pairs)
    .filter(([, [declared, effective]]) => declared !== effective)
    .map(([limit, [declared, effective]]) => ({
      limit: `${limit} (${source})`,
      declared: String(declared),
      effective: effective === undefined ? "none" : String(effective),
    }));
}

function table(gaps: readonly LimitGap[]): string {
  const rows = [{ limit: "limit", declared: "declared", effective: "effective" }, ...gaps];
  const width = (key: keyof LimitGap) => Math.max(...rows.map((row) => row[key].length));
  return rows
    .map(
      (row) =>
        `  ${row.limit.padEnd(width("limit"))}  ${row.declared.padStart(width("declared"))}  ${row.effective.padStart(width("effective"))}`,
    )
    .join("\n");
}

export const provider: ResourceProvider<ProcessLimitInputs, ProcessLimitState> = {
  create: async (inputs) => ({ id: inputs.containerId, outs: await ensureProcessLimit(inputs) }),
  async read(id, props) {
    const observed = await observeProcessLimit(id);
    if (!observed || !props) return {};
    const current = { ...props, ...observed };
    // What an update found is no input: it would show as a change.
    const { effective: _effective, provedAt: _provedAt, ...inputs } = current;
    return { id, props: current, inputs: inputs as ProcessLimitState };
  },
  diff: (_id, olds, news) => Promise.resolve(diffProcessLimit(olds, news)),
  update: async (_id, _olds, news) => ({ outs: await ensureProcessLimit(news) }),
};
