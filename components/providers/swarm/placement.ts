import type Docker from "dockerode";
import type { GpuClaim } from "../../gpus.ts";
import type { SwarmPlacement } from "./inputs.ts";

/** A node as placement sees it. */
export interface SwarmNode {
  id: string;
  name: string;
  role: string;
  labels: Readonly<Record<string, string>>;
  /** Ready and active: it takes tasks. */
  takesTasks: boolean;
  /** ISO 8601: another node changes nothing for those that were there. */
  joinedAt: string;
  /** UUIDs of those that it tells of as generic resources. */
  gpus: readonly string[];
}

/** Kind of generic resource under which a node tells of each of its GPUs: GPU=UUID. */
const GPU_RESOURCE = "GPU";
/** Names the GPU of a container; NVIDIA's runtime gives it that one alone (`swarm-resource` of its settings). */
export const GPU_VARIABLE = `DOCKER_RESOURCE_${GPU_RESOURCE}`;

/** What of a placement holds now. */
export interface ChosenPlace {
  /** Docker's expressions. */
  constraints: readonly string[];
  /** UUID; "" without one. */
  gpuId: string;
}

interface GenericResource {
  NamedResourceSpec?: { Kind: string; Value: string };
}

/** @param declared node → labels that it has or is about to get, beside those that Docker tells of. */
export async function listNodes(docker: Docker, declared: SwarmPlacement["labels"] = {}): Promise<SwarmNode[]> {
  const nodes = (await docker.listNodes()) as unknown as {
    ID: string;
    CreatedAt: string;
    Spec: { Role: string; Availability: string; Labels?: Record<string, string> };
    Description: { Hostname: string; Resources?: { GenericResources?: GenericResource[] } };
    Status: { State: string };
  }[];
  return nodes.map(({ ID, CreatedAt, Spec, Description, Status }) => ({
    id: ID,
    name: Description.Hostname,
    role: Spec.Role,
    labels: { ...Spec.Labels, ...declared[Description.Hostname] },
    takesTasks: Status.State === "ready" && Spec.Availability === "active",
    joinedAt: CreatedAt,
    gpus: gpusOf(Description.Resources?.GenericResources ?? []),
  }));
}

function gpusOf(resources: readonly GenericResource[]): string[] {
  return resources
    .flatMap(({ NamedResourceSpec: named }) => (named?.Kind === GPU_RESOURCE ? [named.Value] : []))
    .sort();
}

/**
 * What holds of a placement now. Who claims a GPU gets one that is his alone, on the node that has it; where none is left
 * he runs on a processor (R-TGT-03).
 */
export function choosePlace(
  placement: Pick<SwarmPlacement, "constraints" | "preferences">,
  gpu: GpuClaim | undefined,
  nodes: readonly SwarmNode[],
): ChosenPlace {
  const found = gpu && gpuFor(gpu, placement.constraints, nodes);
  if (!found) return { constraints: chosenConstraints(placement, nodes), gpuId: "" };
  const own = chosenConstraints(placement, [found.node]);
  return { constraints: [...new Set([...own, `node.hostname==${found.node.name}`])], gpuId: found.gpuId };
}

/** The GPU of a claim, once all before it have theirs: whoever asks finds the same. */
export function gpuFor(
  { before }: GpuClaim,
  constraints: readonly string[],
  nodes: readonly SwarmNode[],
): { node: SwarmNode; gpuId: string } | undefined {
  const taken = new Set<string>();
  const next = (wanted: readonly string[]) =>
    eligible(nodes, wanted)
      .toSorted((a, b) => (a.joinedAt < b.joinedAt ? -1 : 1))
      .flatMap((node) => node.gpus.map((gpuId) => ({ node, gpuId })))
      .find(({ gpuId }) => !taken.has(gpuId));
  for (const earlier of before) {
    const theirs = next(earlier);
    if (theirs) taken.add(theirs.gpuId);
  }
  return next(constraints);
}

/** The constraints, and of the preferences those that some node can satisfy together with them. */
export function chosenConstraints(
  { constraints, preferences }: Pick<SwarmPlacement, "constraints" | "preferences">,
  nodes: readonly SwarmNode[],
): string[] {
  const chosen = [...constraints];
  for (const preference of preferences) {
    if (eligible(nodes, [...chosen, preference]).length > 0) chosen.push(preference);
  }
  return chosen;
}

/** Nodes that take tasks under these constraints. */
export function eligible(nodes: readonly SwarmNode[], constraints: readonly string[]): SwarmNode[] {
  return nodes.filter((node) => node.takesTasks && constraints.every((constraint) => satisfies(node, constraint)));
}

const EXPRESSION = /^\s*(node\.(?:id|hostname|role|labels\.[\w.-]+))\s*(==|!=)\s*(.+?)\s*$/;

/** True for what `satisfies` can judge: node.id, node.hostname, node.role and node.labels.NAME, with == or !=. */
export function isConstraint(text: string): boolean {
  return EXPRESSION.test(text);
}

function satisfies(node: SwarmNode, constraint: string): boolean {
  const [, key = "", operator, value] = EXPRESSION.exec(constraint) ?? [];
  const values: Record<string, string | undefined> = {
    "node.id": node.id,
    "node.hostname": node.name,
    "node.role": node.role,
  };
  const actual = key in values ? values[key] : node.labels[key.slice("node.labels.".length)];
  // Docker compares without regard to case.
  const same = (actual ?? "").toLowerCase() === (value ?? "").toLowerCase();
  return operator === "==" ? same : !same;
}
