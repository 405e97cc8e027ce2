import type { ContainerFacts, Facts } from "./facts.ts";

/** States of a server that need nobody: it works, or it is not to. */
const FINE: ReadonlySet<string> = new Set(["healthy", "degraded", "stopped"]);

/** One line for everything that is not as it should be; none when all is well. */
export function problems({ declared, servers, containers, monitoring, faults }: Facts): string[] {
  const known = new Map(servers.map((server) => [server.name, server]));
  const lines = [...faults];
  for (const name of declared) {
    const server = known.get(name);
    if (server === undefined) lines.push(`${name}: the gateway does not know it`);
    else if (!FINE.has(server.state)) lines.push(`${name} is ${server.state}: ${server.reason ?? "no reason given"}`);
  }
  const resting = new Set(servers.filter(({ state }) => state === "stopped").map(({ name }) => name));
  for (const container of containers) lines.push(...problemsOf(container, resting));
  for (const instance of monitoring?.down ?? []) lines.push(`${instance} does not answer its scrape`);
  for (const { name, summary } of monitoring?.alerts ?? []) lines.push(`${name}: ${summary}`);
  return lines;
}

/** @param resting servers that are declared stopped: their supervisors run, and say that nobody is to call. */
function problemsOf(
  { name, state, health, pidsLimit, memoryLimitMiB, declared }: ContainerFacts,
  resting: ReadonlySet<string>,
): string[] {
  if (state !== "running") return [`container ${name} is ${state}`];
  return [
    ...(health === "unhealthy" && !resting.has(serverOf(name))
      ? [`container ${name} is unhealthy by its own probe`]
      : []),
    ...(pidsLimit === 0 ? [`container ${name} has no pids limit`] : []),
    ...(memoryLimitMiB === 0 ? [`container ${name} has no memory limit`] : []),
    ...(declared && pidsLimit !== declared.pids
      ? [`${name}: pids ${declared.pids} declared, ${pidsLimit} in force`]
      : []),
    ...(declared && memoryLimitMiB !== declared.memoryMiB
      ? [`${name}: memory ${declared.memoryMiB} MiB declared, ${memoryLimitMiB} MiB in force`]
      : []),
  ];
}

/** Instances are NAME--2 and so on. */
function serverOf(container: string): string {
  return container.split("--")[0] ?? container;
}

/** A condition of R-OPS-06, and what was found. */
export interface Condition {
  name: string;
  met: boolean;
  found: string;
}

const MOST_PROCESSES = 15;
const MOST_MEMORY_MIB = 2048;

/** Whether an incident is over (R-OPS-06). Of the servers, as they are what runs away. */
export function recovered({ servers, containers, monitoring }: Facts): Condition[] {
  const names = new Set(servers.map(({ name }) => name));
  const ofServers = containers.filter(({ name }) => names.has(serverOf(name)));
  const listed = (found: ContainerFacts[], say: (each: ContainerFacts) => string, none: string): string =>
    found.length === 0 ? none : found.map((each) => `${each.name} ${say(each)}`).join(", ");
  const many = ofServers.filter(({ processes }) => processes >= MOST_PROCESSES);
  const large = ofServers.filter(({ memoryMiB }) => memoryMiB >= MOST_MEMORY_MIB);
  const resting = new Set(servers.filter(({ state }) => state === "stopped").map(({ name }) => name));
  const ill = containers.filter(
    ({ name, state, health }) =>
      state !== "running" || !(["healthy", "none"].includes(health) || resting.has(serverOf(name))),
  );
  const growing = monitoring?.growing;
  return [
    {
      name: `under ${MOST_PROCESSES} processes each`,
      met: many.length === 0,
      found: listed(many, ({ processes }) => String(processes), `at most ${most(ofServers, "processes")}`),
    },
    {
      name: "under 2 GiB each",
      met: large.length === 0,
      found: listed(large, ({ memoryMiB }) => `${memoryMiB} MiB`, `at most ${most(ofServers, "memoryMiB")} MiB`),
    },
    {
      name: "ten minutes without growth",
      met: growing?.length === 0,
      found: growing === undefined ? "not known: no history of ten minutes" : growing.join(", ") || "none grows",
    },
    {
      name: "all monitors active",
      met: monitoring?.down.length === 0,
      found: monitoring === undefined ? "the stack has no monitoring" : monitoring.down.join(", ") || "all answer",
    },
    {
      name: "containers healthy",
      met: containers.length > 0 && ill.length === 0,
      found: listed(ill, ({ state, health }) => `${state}, ${health}`, `${containers.length} of ${containers.length}`),
    },
  ];
}

function most(containers: readonly ContainerFacts[], field: "processes" | "memoryMiB"): number {
  return Math.max(0, ...containers.map((each) => each[field]));
}
