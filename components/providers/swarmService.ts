import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { CheckResult, DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import type Docker from "dockerode";
import type { GpuClaim } from "../gpus.ts";
import { connect, connectTo, isNotFound } from "./docker.ts";
import { untilReady } from "./insideLimits.ts";
import { converge } from "./swarm/converge.ts";
import { differences, factsOf } from "./swarm/facts.ts";
import type { SwarmFacts, SwarmPlacement, SwarmServiceSpec } from "./swarm/inputs.ts";
import { choosePlace, eligible, gpuFor, listNodes, type ChosenPlace } from "./swarm/placement.ts";
import { limitGaps, proveTasks, readTaskLimits, type ProvedTask } from "./swarm/proof.ts";
import { asDockerSpec, serviceSpec, type InspectedService, type ServiceSpec } from "./swarm/spec.ts";
import { nodeNames, tasksOf } from "./swarm/tasks.ts";

/** Inputs of the resource; `found` is declared empty, so that a diff says what is not. */
export interface SwarmServiceInputs {
  spec: SwarmServiceSpec;
  /** Where its tasks may run; apart, as it is known when the rest is not yet. */
  placement: SwarmPlacement;
  /** Its task is to have one of its own; absent where none is asked for. */
  gpu?: GpuClaim | undefined;
  /** The program in the task tells its own limits on /limits. */
  supervised: boolean;
  /** How long its program may take to give its first good answer, in seconds; absent where it is not to run. */
  readySeconds?: number | undefined;
  /** How long all tasks may take to be well, in seconds. */
  timeoutSeconds: number;
  /** Host name → how its Docker is reached; "": the connected one. */
  nodes: Readonly<Record<string, string>>;
  found: SwarmFacts;
}

export interface SwarmServiceState extends SwarmServiceInputs {
  serviceId: string;
  /** What Docker must say of it. */
  expected: SwarmFacts;
  /** UUID of the GPU that its task has; "" without one. */
  gpuId: string;
  tasks: readonly ProvedTask[];
  /** When all limits were last found in force, ISO 8601. */
  provedAt: string;
}

const POLL_MS = 300;
/** What tasks take to end beyond the time that they were given. */
const SPARE_MS = 20_000;

/** A place that no node has is found at preview, not left pending (R-TGT-04). */
export async function checkPlacement(inputs: SwarmServiceInputs): Promise<CheckResult<SwarmServiceInputs>> {
  const { constraints, labels: declared } = inputs.placement;
  const isRequired = inputs.gpu?.need === "required";
  if (constraints.length === 0 && !isRequired) return { inputs };
  const nodes = (await listNodes(connect(), declared)).sort((a, b) => a.name.localeCompare(b.name));
  const there = nodes.map(({ name, role, labels, takesTasks, gpus }) => {
    const words = [role, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)];
    if (isRequired) words.push(`${gpus.length} GPUs`);
    return `${name} (${[...words, ...(takesTasks ? [] : ["takes no tasks"])].join(", ")})`;
  });
  const refuse = (property: string, reason: string) => ({ inputs, failures: [{ property, reason }] });
  if (constraints.length > 0 && eligible(nodes, constraints).length === 0) {
    return refuse(
      "placement",
      `no node satisfies ${constraints.join(" and ")}; there are ${there.join(", ")}: label a node (mcp-estate:swarm.nodes.NAME.labels), or make it a preference`,
    );
  }
  if (inputs.gpu && isRequired && !gpuFor(inputs.gpu, constraints, nodes)) {
    const before = inputs.gpu.before.length;
    const others = before === 0 ? "" : ` (${before} before it get theirs first)`;
    return refuse(
      "gpu",
      `${inputs.spec.component} needs a GPU and none is left for it${others}; there are ${there.join(", ")}: add a node that tells of its GPUs (node-generic-resources "GPU=UUID" of its dockerd), or set mcp-estate:servers.${inputs.spec.component}.gpu to preferred`,
    );
  }
  return { inputs };
}

/**
 * Makes the service what is declared, by one update at most, waits until its tasks are well, and proves their limits in
 * each node's kernel. What a killed update has left under its name is taken over.
 * @throws Error with the tasks' own words, or with a line for each limit that is not in force.
 */
export async function ensureService(inputs: SwarmServiceInputs): Promise<SwarmServiceState> {
  const docker = connect();
  const { spec } = inputs;
  const nodes = await listNodes(docker, inputs.placement.labels);
  const place = choosePlace(inputs.placement, inputs.gpu, nodes);
  const existing = await findService(docker, spec.name);
  if (existing) refuseForeign(existing, spec);
  const known = new Set((existing ? await tasksOf(docker, existing.ID) : []).map(({ ID }) => ID));
  const formerUpdate = existing?.UpdateStatus?.StartedAt;
  const service = existing
    ? await updateService(docker, existing, spec, place, Object.keys(inputs.found).length > 0)
    : await createService(docker, serviceSpec(spec, place));
  const tasks = await converge(docker, {
    service,
    spec,
    nodes: eligible(nodes, place.constraints).length,
    known,
    formerUpdate,
    timeoutSeconds: inputs.timeoutSeconds,
  });
  const proved = await proveTasks(docker, tasks, {
    component: spec.component,
    limits: spec.limits,
    supervised: inputs.supervised,
    nodes: inputs.nodes,
  });
  const { readySeconds } = inputs;
  if (readySeconds !== undefined) {
    await Promise.all(
      proved.map(({ containerId, dockerHost }) =>
        untilReady(connectTo(dockerHost).getContainer(containerId), spec.component, readySeconds),
      ),
    );
  }
  const expected = factsOf(serviceSpec(spec, place));
  return {
    ...inputs,
    found: {},
    serviceId: service.ID,
    expected,
    gpuId: place.gpuId,
    tasks: proved.toSorted((a, b) => (a.node < b.node ? -1 : 1)),
    provedAt: new Date().toISOString(),
  };
}

async function findService(docker: Docker, name: string): Promise<InspectedService | undefined> {
  try {
    return (await docker.getService(name).inspect()) as InspectedService;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function refuseForeign({ Spec }: InspectedService, { name, labels }: SwarmServiceSpec): void {
  const own = Object.entries(labels).every(([label, value]) => Spec.Labels?.[label] === value);
  if (own) return;
  throw new Error(
    `the swarm has a service ${name} that is not this stack's (its labels: ${JSON.stringify(Spec.Labels ?? {})}); remove or rename it`,
  );
}

async function createService(docker: Docker, spec: ServiceSpec): Promise<InspectedService> {
  const { id } = (await docker.createService(asDockerSpec(spec))) as unknown as { id: string };
  return (await docker.getService(id).inspect()) as InspectedService;
}

/** @param drifted what is found differs: also where the specification is right and only a task is not. */
async function updateService(
  docker: Docker,
  existing: InspectedService,
  spec: SwarmServiceSpec,
  place: ChosenPlace,
  drifted: boolean,
): Promise<InspectedService> {
  const forced = existing.Spec.TaskTemplate.ForceUpdate ?? 0;
  const wanted = serviceSpec(spec, place, forced);
  const isSame = isDeepStrictEqual(factsOf(wanted), factsOf(existing.Spec));
  if (isSame && !drifted) return existing;
  const next = isSame ? serviceSpec(spec, place, forced + 1) : wanted;
  const service = docker.getService(existing.ID);
  await service.update({ version: existing.Version.Index, ...asDockerSpec(next) });
  return (await service.inspect()) as InspectedService;
}

/** What differs from what is declared, in the specification, in the number of tasks, and in each task's own limits. */
export async function observeService(state: SwarmServiceState): Promise<SwarmFacts | undefined> {
  const docker = connect();
  const service = await findService(docker, state.serviceId);
  if (!service) return undefined;
  const nodes = await listNodes(docker, state.placement.labels);
  const place = choosePlace(state.placement, state.gpu, nodes);
  // A preference that holds no longer, or does again, is a reason to move; so is a GPU that has come or gone.
  const expected = factsOf(serviceSpec(state.spec, place));
  const found = differences(expected, factsOf(service.Spec));
  const tasks = (await tasksOf(docker, state.serviceId)).filter(({ DesiredState }) => DesiredState === "running");
  const running = tasks.filter(({ Status }) => Status.State === "running");
  const { replicas } = state.spec;
  const wanted = replicas === "every-node" ? eligible(nodes, place.constraints).length : replicas;
  if (running.length < wanted) found["running"] = `${running.length} of ${wanted} tasks`;
  const names = await nodeNames(docker);
  for (const task of running) {
    const node = names.get(task.NodeID ?? "") ?? "";
    const dockerHost = state.nodes[node] || undefined;
    const container = connectTo(dockerHost).getContainer(task.Status.ContainerStatus?.ContainerID ?? "");
    const gaps = await readTaskLimits(container).then(
      (kernel) => limitGaps(state.spec.limits, kernel),
      (error: unknown) => [`not to be read: ${(error as Error).message}`],
    );
    if (gaps.length > 0) found[`limits on ${node}`] = gaps;
  }
  return found;
}

export function diffService(olds: SwarmServiceInputs, news: SwarmServiceInputs): DiffResult {
  const keys = ["spec", "placement", "gpu", "supervised", "nodes", "found"] as const;
  const replaces = olds.spec.name === news.spec.name ? [] : ["spec"];
  return { changes: keys.some((key) => !isDeepStrictEqual(olds[key], news[key])), replaces, deleteBeforeReplace: true };
}

/** Removes it and waits until its containers are gone from all nodes that can be asked: only then networks can go. */
export async function removeService({ serviceId, spec, nodes }: SwarmServiceState): Promise<void> {
  const docker = connect();
  try {
    await docker.getService(serviceId).remove();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const hosts = [...new Set(["", ...Object.values(nodes)])].map((host) => connectTo(host || undefined));
  const end = Date.now() + spec.stopSeconds * 1000 + SPARE_MS;
  for (;;) {
    const left = await Promise.all(hosts.map((host) => containersOf(host, serviceId)));
    if (left.every((count) => count === 0) || Date.now() > end) return;
    await sleep(POLL_MS);
  }
}

/** A node that does not answer has none that can be waited for. */
async function containersOf(docker: Docker, serviceId: string): Promise<number> {
  const filters = { label: [`com.docker.swarm.service.id=${serviceId}`] };
  return docker.listContainers({ all: true, filters }).then(
    (found) => found.length,
    () => 0,
  );
}

export const provider: ResourceProvider<SwarmServiceInputs, SwarmServiceState> = {
  check: (_olds, news) => checkPlacement(news),
  create: async (inputs) => {
    const outs = await ensureService(inputs);
    return { id: outs.serviceId, outs };
  },
  async read(id, state): Promise<ReadResult<SwarmServiceState>> {
    const found = state ? await observeService(state) : undefined;
    if (!found || !state) return {};
    const { serviceId, expected, gpuId, tasks, provedAt, ...inputs } = { ...state, found };
    return {
      id,
      props: { ...inputs, serviceId, expected, gpuId, tasks, provedAt },
      inputs: inputs as SwarmServiceState,
    };
  },
  diff: (_id, olds, news) => Promise.resolve(diffService(olds, news)),
  update: async (_id, olds, news) => ({ outs: await ensureService({ ...news, found: olds.found }) }),
  delete: (_id, state) => removeService(state),
};
