import { serverOf, type Controlled, type GuardContract, type Guarded } from "../contract/index.ts";
import { readGroup, type GroupReading } from "./controlGroups.ts";
import { readHostFacts, type HostFacts } from "./hostFacts.ts";
import { commandOf, readHostProcesses, type HostProcess } from "./hostProcesses.ts";

/** One container as it is seen from outside. */
export interface ContainerReading extends GroupReading {
  readonly id: string;
  /** What it is declared as; undefined where nobody declared it. */
  readonly declared: Guarded | undefined;
  /** Label of its component, of this stack's own. */
  readonly component: string | undefined;
  readonly processes: number;
  readonly zombies: number;
  /** Its first process, or the program that this one started, has been stopped. */
  readonly stopped: boolean;
  readonly health: Controlled["health"];
}

/** All that one look at the host shows. */
export interface Round {
  /** Of this stack: declared, or with its labels. */
  readonly containers: readonly ContainerReading[];
  /** Containers of others. */
  readonly foreign: number;
  /** MCP servers outside of containers, by package. */
  readonly hostProcesses: ReadonlyMap<string, number>;
  readonly facts: HostFacts;
}

export interface Host {
  /** Where the host's /proc is seen. */
  readonly proc: string;
  /** Where its control groups are seen. */
  readonly groups: string;
  /** A folder of a Docker volume. */
  readonly volume: string;
}

/** Start of the path of every program of the estate's. */
const OWN_PROGRAM = "/opt/mcp-estate/";

/**
 * Looks at the host's process table and control groups once.
 * @param listed what Docker says of this stack's containers; undefined while it says nothing: uids tell them then.
 */
export function look(
  { containers, servers, hostAllowed }: Pick<GuardContract, "containers" | "servers" | "hostAllowed">,
  listed: readonly Controlled[] | undefined,
  host: Host,
): Round {
  const processes = readHostProcesses(host.proc);
  const byContainer = new Map<string, HostProcess[]>();
  for (const process of processes) {
    if (process.container === undefined) continue;
    byContainer.set(process.container, [...(byContainer.get(process.container) ?? []), process]);
  }
  const byUid = new Map(containers.flatMap((each) => (each.uid === undefined ? [] : [[each.uid, each] as const])));
  const byName = new Map(containers.flatMap((each) => (each.uid === undefined ? [[each.name, each] as const] : [])));
  const byId = new Map(listed?.map((each) => [each.id, each]));
  const readings: ContainerReading[] = [];
  let foreign = 0;
  for (const [id, inside] of byContainer) {
    const known = byId.get(id);
    const declared = declaredOf(inside, byUid) ?? byName.get(known?.component ?? "");
    if (declared === undefined && known === undefined) foreign++;
    else readings.push(readingOf(id, inside, declared, known, host));
  }
  const hostProcesses = new Map<string, number>();
  for (const { pid, container } of processes) {
    if (container !== undefined) continue;
    const argv = commandOf(host.proc, pid);
    const server = serverOf(argv, servers);
    if (server === undefined || hostAllowed.some((text) => argv.join(" ").includes(text))) continue;
    hostProcesses.set(server, (hostProcesses.get(server) ?? 0) + 1);
  }
  return { containers: readings, foreign, hostProcesses, facts: readHostFacts(host.proc, host.volume) };
}

/** Whose uid it is: of the init, as whatever else runs there may be an operator's. */
function declaredOf(inside: readonly HostProcess[], byUid: ReadonlyMap<number, Guarded>): Guarded | undefined {
  const first = inside.find(({ init }) => init) ?? inside[0];
  return first && byUid.get(first.uid);
}

function readingOf(
  id: string,
  inside: readonly HostProcess[],
  declared: Guarded | undefined,
  known: Controlled | undefined,
  host: Host,
): ContainerReading {
  const living = inside.filter(({ state }) => state !== "Z");
  const init = inside.find((process) => process.init);
  const held = living.filter(({ state }) => state === "T");
  const stopped = held.some(
    ({ pid, parent }) =>
      pid === init?.pid ||
      (parent === init?.pid && commandOf(host.proc, pid).some((word) => word.startsWith(OWN_PROGRAM))),
  );
  const group = readGroup((living[0] ?? inside[0])?.groups ?? "", host.groups);
  return {
    ...group,
    id,
    declared,
    component: known?.component,
    processes: living.length,
    zombies: inside.length - living.length,
    stopped,
    health: known?.health ?? "none",
  };
}
