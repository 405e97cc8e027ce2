import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { CreateResult, DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import type Docker from "dockerode";
import { expectedFacts, observedFacts, type ContainerDeclaration, type ContainerFacts } from "./containerFacts.ts";
import { connect, isNotFound } from "./docker.ts";

export type { ContainerDeclaration, ContainerFacts } from "./containerFacts.ts";

/** Inputs of the resource; `found` is declared empty, so that a diff says what is not. */
export interface ContainerWatchInputs {
  /** Of a container whose name the provider makes. */
  namePrefix?: string;
  declared: ContainerDeclaration;
  secretEnv?: Readonly<Record<string, string>>;
  found: ContainerFacts;
}

export interface ContainerWatchState extends ContainerWatchInputs {
  /** What Docker must say, the image's part included; kept, as the image may go. */
  expected: ContainerFacts;
}

/** What Docker changes on a container that exists. Anything else takes a new container. */
const LIVE = new Set(["restart", "memory", "memorySwap", "memoryReservation", "cpus"]);
const BYTES_PER_MIB = 1024 * 1024;

/** @throws Error when the image is not there or an argument is compared with nothing. */
export async function startWatch(inputs: ContainerWatchInputs): Promise<CreateResult<ContainerWatchState>> {
  return { id: randomUUID(), outs: await stateOf(inputs) };
}

/** Looks at the container. One that is gone has no property that differs: its own resource tells. */
export async function readWatch(
  id: string,
  state: ContainerWatchState | undefined,
): Promise<ReadResult<ContainerWatchState>> {
  if (!state) return {};
  const { expected, ...inputs } = { ...state, found: await findDifferences(state) };
  return { id, props: { ...inputs, expected }, inputs } as ReadResult<ContainerWatchState>;
}

export function diffWatch(olds: ContainerWatchState, news: ContainerWatchInputs): DiffResult {
  const drifted = Object.keys(olds.found);
  const declared = ["namePrefix", "declared", "secretEnv"] as const;
  const same = declared.every((key) => isDeepStrictEqual(olds[key], news[key]));
  return { changes: drifted.length > 0 || !same, replaces: drifted.every((key) => LIVE.has(key)) ? [] : ["found"] };
}

/** Puts right in place what Docker can change, whether or not the docker provider has seen it. */
export async function updateWatch(inputs: ContainerWatchInputs): Promise<ContainerWatchState> {
  const state = await stateOf(inputs);
  const info = await findContainer(state);
  if (
    info &&
    Object.keys(differences(state.expected, observedFacts(info, state.secretEnv))).some((key) => LIVE.has(key))
  ) {
    const { memory, memorySwap, memoryReservation, cpus, restart } = state.expected;
    await connect()
      .getContainer(info.Id)
      .update({
        Memory: Number(memory) * BYTES_PER_MIB,
        MemorySwap: Number(memorySwap) * BYTES_PER_MIB,
        MemoryReservation: Number(memoryReservation) * BYTES_PER_MIB,
        NanoCpus: Number(cpus) * 1e9,
        RestartPolicy: { Name: restart },
      });
  }
  return state;
}

async function stateOf(inputs: ContainerWatchInputs): Promise<ContainerWatchState> {
  const image = await connect().getImage(inputs.declared.image).inspect();
  return { ...inputs, found: {}, expected: expectedFacts(inputs.declared, image, inputs.secretEnv) };
}

async function findDifferences(state: ContainerWatchState): Promise<ContainerFacts> {
  const info = await findContainer(state);
  return info ? differences(state.expected, observedFacts(info, state.secretEnv)) : {};
}

/** Of every expected property that differs, what was found. */
function differences(expected: ContainerFacts, observed: ContainerFacts): ContainerFacts {
  const found: ContainerFacts = {};
  for (const [key, value] of Object.entries(expected)) {
    const actual = observed[key] ?? "";
    if (!isDeepStrictEqual(actual, value)) found[key] = key === "envs" ? withoutForeignValues(actual, value) : actual;
  }
  return found;
}

/** A variable that somebody added may hold a secret: its name is enough. */
function withoutForeignValues(actual: ContainerFacts[string], expected: ContainerFacts[string]): string[] {
  const list = (value: ContainerFacts[string]) => (Array.isArray(value) ? value : []);
  const nameOf = (variable: string) => variable.slice(0, variable.indexOf("="));
  const names = new Set(list(expected).map(nameOf));
  return list(actual).map((variable) => (names.has(nameOf(variable)) ? variable : `${nameOf(variable)}=…`));
}

/**
 * By name, and by labels should it have been renamed. Of several, as a killed update leaves them, the one that is most
 * as declared.
 */
async function findContainer(state: ContainerWatchState): Promise<Docker.ContainerInspectInfo | undefined> {
  const docker = connect();
  const labels = (state.declared.labels ?? []).map(({ label, value }) => `${label}=${value}`);
  // The provider's suffix is seven hexadecimal digits.
  const name = state.declared.name?.replaceAll(".", "\\.") ?? `${state.namePrefix ?? ""}[0-9a-f]{7}`;
  // Docker filters, or 100 servers would read 10,000 rows.
  const filters: Array<Record<string, string[]>> = [
    { name: [`^/${name}$`] },
    ...(labels.length > 0 ? [{ label: labels }] : []),
  ];
  const lists = await Promise.all(filters.map((filter) => docker.listContainers({ all: true, filters: filter })));
  const ids = new Set(lists.flat().map(({ Id }) => Id));
  const found = await Promise.all([...ids].map((id) => inspectOrGone(docker.getContainer(id))));
  const count = (info: Docker.ContainerInspectInfo) =>
    Object.keys(differences(state.expected, observedFacts(info, state.secretEnv))).length;
  return found.filter((info) => info !== undefined).sort((a, b) => count(a) - count(b))[0];
}

async function inspectOrGone(container: Docker.Container): Promise<Docker.ContainerInspectInfo | undefined> {
  try {
    return await container.inspect();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export const provider: ResourceProvider<ContainerWatchInputs, ContainerWatchState> = {
  create: (inputs) => startWatch(inputs),
  read: (id, state) => readWatch(id, state),
  diff: (_id, olds, news) => Promise.resolve(diffWatch(olds, news)),
  update: async (_id, _olds, news) => ({ outs: await updateWatch(news) }),
};
