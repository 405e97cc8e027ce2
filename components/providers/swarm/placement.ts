import type Docker from "dockerode";
import type { SwarmPlacement } from "./inputs.ts";

/** A node as placement sees it. */
export interface SwarmNode {
  id: string;
  name: string;
  role: string;
  labels: Readonly<Record<string, string>>;
  /** Ready and active: it takes tasks. */
  takesTasks: boolean;
}

/** @param declared node → labels that it has or is about to get, beside those that Docker tells of. */
export async function listNodes(docker: Docker, declared: SwarmPlacement["labels"] = {}): Promise<SwarmNode[]> {
  const nodes = (await docker.listNodes()) as unknown as {
    ID: string;
    Spec: { Role: string; Availability: string; Labels?: Record<string, string> };
    Description: { Hostname: string };
    Status: { State: string };
  }[];
  return nodes.map(({ ID, Spec, Description, Status }) => ({
    id: ID,
    name: Description.Hostname,
    role: Spec.Role,
    labels: { ...Spec.Labels, ...declared[Description.Hostname] },
    takesTasks: Status.State === "ready" && Spec.Availability === "active",
  }));
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
