import { isDeepStrictEqual } from "node:util";
import type {
  CheckFailure,
  CheckResult,
  DiffResult,
  ReadResult,
  ResourceProvider,
} from "@pulumi/pulumi/dynamic/index.js";
import { connect } from "./docker.ts";
import { capacityFailures, type Demand } from "./hostCapacity.ts";
import type { SwarmFacts } from "./swarm/inputs.ts";
import { hostFault, listMembers, outOfService, type Member } from "./swarm/members.ts";

export interface SwarmNodesInputs {
  nodes: Readonly<Record<string, { host: string; labels: Readonly<Record<string, string>> }>>;
  demands: readonly Demand[];
  allowOvercommit: boolean;
  /** What is not as declared, by node; declared empty. */
  found: SwarmFacts;
}

export interface SwarmNodesState extends SwarmNodesInputs {
  expected: SwarmFacts;
}

/** Docker's answer where somebody else has changed the node meanwhile. */
const OUT_OF_SEQUENCE = /update out of sequence/;
const TRIES = 5;

/** Asks the swarm for its nodes and each declared node for itself; runs at preview. */
export async function checkNodes(inputs: SwarmNodesInputs): Promise<CheckResult<SwarmNodesInputs>> {
  let members: Member[];
  try {
    members = await listMembers(connect());
  } catch (error) {
    return { inputs, failures: [{ property: "nodes", reason: (error as Error).message }] };
  }
  const declared = members.filter(({ name }) => name in inputs.nodes);
  const asked = declared.filter((member) => outOfService(member) === undefined);
  const unreachable = await Promise.all(
    asked.map((member) => hostFault(member, inputs.nodes[member.name]?.host ?? "", connect())),
  );
  const failures = [...memberFaults(inputs, members), ...unreachable.filter((fault) => fault !== undefined)].map(
    (reason): CheckFailure => ({ property: "nodes", reason }),
  );
  return { inputs, failures: [...failures, ...swarmCapacity(inputs, members)] };
}

/** A line for each node that is not as declared. */
export function memberFaults({ nodes }: Pick<SwarmNodesInputs, "nodes">, members: readonly Member[]): string[] {
  const names = Object.keys(nodes);
  const inSwarm = members.map(({ name }) => name);
  const absent = names
    .filter((name) => !inSwarm.includes(name))
    .map((name) => `mcp-estate:swarm.nodes.${name}: no node of the swarm has this name; it has ${inSwarm.join(", ")}`);
  const out = members.flatMap((member) => {
    const why = member.name in nodes ? outOfService(member) : undefined;
    return why
      ? [
          `node ${member.name} ${why} and takes no task; bring it back (docker node update --availability active), or take it out of mcp-estate:swarm.nodes`,
        ]
      : [];
  });
  const ready = members.filter((member) => outOfService(member) === undefined);
  const unknown = ready.filter(({ name }) => !(name in nodes)).map(({ name }) => name);
  const isLone = names.length === 0 && members.length === 1;
  const undeclared =
    unknown.length === 0 || isLone
      ? []
      : [
          `nodes of the swarm that are not declared: ${unknown.join(", ")}; add each to mcp-estate:swarm.nodes with its host, or drain it`,
        ];
  return [...absent, ...out, ...undeclared];
}

/** The sum against all nodes, each single limit against the largest. */
export function swarmCapacity(
  { demands, allowOvercommit }: Pick<SwarmNodesInputs, "demands" | "allowOvercommit">,
  members: readonly Member[],
): CheckFailure[] {
  const ready = members.filter((member) => outOfService(member) === undefined);
  const largest = ready.toSorted((a, b) => b.memoryMiB - a.memoryMiB)[0];
  if (!largest) return [];
  const memoryMiB = ready.reduce((sum, member) => sum + member.memoryMiB, 0);
  const all = { name: "swarm (all nodes)", memoryMiB, cpus: Math.max(...ready.map(({ cpus }) => cpus)) };
  const oversized = demands
    .filter((demand) => demand.memoryMiB > largest.memoryMiB && demand.memoryMiB <= memoryMiB && !allowOvercommit)
    .map(
      ({ component, memoryMiB: limit }) =>
        `${component}: limits.memoryMiB ${limit} is more than the ${largest.memoryMiB} MiB of ${largest.name}, the largest node`,
    );
  const reasons = [...capacityFailures({ demands, allowOvercommit }, all).map(({ reason }) => reason), ...oversized];
  return [...new Set(reasons)].map((reason) => ({ property: "nodes", reason }));
}

/** Gives each node the labels that are declared, and takes away those that were. */
export async function labelNodes(
  news: SwarmNodesInputs,
  olds: SwarmNodesInputs["nodes"] = {},
): Promise<SwarmNodesState> {
  for (const name of new Set([...Object.keys(news.nodes), ...Object.keys(olds)])) {
    await setLabels(name, news.nodes[name]?.labels ?? {}, Object.keys(olds[name]?.labels ?? {}));
  }
  return { ...news, found: {}, expected: expectedOf(news) };
}

async function setLabels(
  name: string,
  labels: Readonly<Record<string, string>>,
  former: readonly string[],
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const member = (await listMembers(connect())).find((each) => each.name === name);
    if (!member) return;
    const others = Object.entries(member.labels).filter(([key]) => !former.includes(key));
    const wanted = { ...Object.fromEntries(others), ...labels };
    if (isDeepStrictEqual(wanted, member.labels)) return;
    const { version, role, availability } = member;
    try {
      const update = { version, Role: role, Availability: availability, Labels: wanted };
      await connect().getNode(member.id).update(update);
      return;
    } catch (error) {
      if (!OUT_OF_SEQUENCE.test((error as Error).message) || attempt === TRIES) throw error;
    }
  }
}

function expectedOf({ nodes }: SwarmNodesInputs): SwarmFacts {
  return Object.fromEntries(
    Object.entries(nodes).map(([name, { labels }]) => [name, ["ready", ...pairs(labels, Object.keys(labels))]]),
  );
}

/** Of every declared node that is not as declared, what it is. */
export function nodeDifferences(inputs: SwarmNodesInputs, members: readonly Member[]): SwarmFacts {
  const found: SwarmFacts = {};
  for (const [name, expected] of Object.entries(expectedOf(inputs))) {
    const member = members.find((each) => each.name === name);
    const labels = Object.keys(inputs.nodes[name]?.labels ?? {});
    const actual = member
      ? [outOfService(member)?.replace(/^is /, "") ?? "ready", ...pairs(member.labels, labels)]
      : ["not in the swarm"];
    if (!isDeepStrictEqual(actual, expected)) found[name] = actual;
  }
  return found;
}

function pairs(labels: Readonly<Record<string, string>>, keys: readonly string[]): string[] {
  return keys
    .filter((key) => labels[key] !== undefined)
    .map((key) => `${key}=${labels[key] ?? ""}`)
    .sort();
}

function diffNodes(olds: SwarmNodesInputs, news: SwarmNodesInputs): DiffResult {
  const keys = ["nodes", "demands", "allowOvercommit", "found"] as const;
  return { changes: keys.some((key) => !isDeepStrictEqual(olds[key], news[key])) };
}

export const provider: ResourceProvider<SwarmNodesInputs, SwarmNodesState> = {
  check: (_olds, news) => checkNodes(news),
  create: async (inputs) => ({ id: "swarm-nodes", outs: await labelNodes(inputs) }),
  async read(id, state): Promise<ReadResult<SwarmNodesState>> {
    if (!state) return {};
    const { expected, ...inputs } = { ...state, found: nodeDifferences(state, await listMembers(connect())) };
    return { id, props: { ...inputs, expected }, inputs: inputs as SwarmNodesState };
  },
  diff: (_id, olds, news) => Promise.resolve(diffNodes(olds, news)),
  update: async (_id, olds, news) => ({ outs: await labelNodes(news, olds.nodes) }),
  delete: async (_id, state) => {
    await labelNodes({ ...state, nodes: {} }, state.nodes);
  },
};
