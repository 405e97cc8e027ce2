import { matchesGlob } from "node:path";
import type Docker from "dockerode";
import { LABEL_COMPONENT, LABEL_ESTATE, LABEL_STACK } from "../naming.ts";
import { connect, isLocal } from "./docker.ts";
import type { ServerSignature } from "../../runtime/contract/index.ts";
import { findHostProcesses } from "./hostProcesses.ts";
import { findStartScripts } from "./startScripts.ts";

/** Ids (volumes: names) of everything that the state holds. */
export interface Declared {
  containers: readonly string[];
  networks: readonly string[];
  volumes: readonly string[];
  images: readonly string[];
}

export interface OrphanPolicy {
  /** Globs over image references and container names of objects that carry nobody's mark, for example `mcp/*`. */
  patterns: readonly string[];
  /** What to do with those. */
  patterned: "report" | "remove";
  /** Images of each component that stay for a rollback, the newest first, the current one included. */
  keepImages: number;
  /** MCP servers on the host, outside of containers: `end` is TERM, then KILL. */
  hostProcesses: "ignore" | "report" | "end";
  /** A host process whose command line holds one of these texts is left alone. */
  hostAllowed: readonly string[];
  /** Scripts of the host that start servers outside of containers; `disable` is undone by `npm run enable-scripts`. */
  startScripts: "report" | "disable";
  /** Where they are: files, and folders whose executable scripts are meant. */
  startScriptPaths: readonly string[];
}

export const ORPHAN_KINDS = ["container", "network", "volume", "image", "process", "script"] as const;
export type OrphanKind = (typeof ORPHAN_KINDS)[number];

/** One object that nobody declared. */
export interface Orphan {
  kind: OrphanKind;
  /** Of a process `PID:START`, so that a later one under its pid is another. */
  id: string;
  name: string;
  /** Reference of a container's image. */
  image?: string;
  /** ISO time. */
  created?: string;
  /** Memory in use by a running container. */
  memoryMiB?: number;
  reason: string;
  action: "remove" | "report";
}

export interface OrphanQuery {
  estate: string;
  stack: string;
  declared: Declared;
  policy: OrphanPolicy;
  /** Servers of the catalogue, by which processes of the host are known. */
  servers: readonly ServerSignature[];
}

const MIB = 1024 * 1024;
export const OURS = "carries this stack's mark and is not in its state";

/**
 * What carries this stack's mark and is not declared, and what carries nobody's mark and matches a pattern of the user.
 * An object of another stack or estate is never among them.
 */
export async function findOrphans(query: OrphanQuery): Promise<Orphan[]> {
  const docker = connect();
  const found = await Promise.all([
    findContainers(docker, query),
    findNetworks(docker, query),
    findVolumes(docker, query),
    findImages(docker, query),
    findProcesses(query),
    findScripts(query),
  ]);
  return found.flat().sort((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1));
}

async function findContainers(docker: Docker, query: OrphanQuery): Promise<Orphan[]> {
  const declared = new Set(query.declared.containers);
  const orphans: Orphan[] = [];
  for (const info of await docker.listContainers({ all: true })) {
    if (declared.has(info.Id)) continue;
    const name = info.Names[0]?.slice(1) ?? info.Id;
    const verdict = judgeContainer(info.Labels, name, info.Image, query);
    if (!verdict) continue;
    orphans.push({
      kind: "container",
      id: info.Id,
      name,
      image: info.Image,
      created: new Date(info.Created * 1000).toISOString(),
      ...(info.State === "running" ? await memoryOf(docker, info.Id) : {}),
      ...verdict,
    });
  }
  return orphans;
}

/** Whose a container is, by its labels, else by the user's patterns; undefined: not our business. */
export function judgeContainer(
  labels: Readonly<Record<string, string>>,
  name: string,
  image: string,
  { estate, stack, policy }: Pick<OrphanQuery, "estate" | "stack" | "policy">,
): Pick<Orphan, "reason" | "action"> | undefined {
  if (isOurs(labels, { estate, stack })) return { reason: OURS, action: "remove" };
  if (labels[LABEL_ESTATE] !== undefined) return undefined;
  const pattern = policy.patterns.find(
    (glob) => matchesGlob(image, glob) || matchesGlob(withoutTag(image), glob) || matchesGlob(name, glob),
  );
  return pattern === undefined ? undefined : { reason: `matches the pattern ${pattern}`, action: policy.patterned };
}

async function findNetworks(docker: Docker, query: OrphanQuery): Promise<Orphan[]> {
  const declared = new Set(query.declared.networks);
  return (await docker.listNetworks())
    .filter(({ Id, Labels }) => !declared.has(Id) && isOurs(Labels, query))
    .map(({ Id, Name, Created }) => ({
      kind: "network",
      id: Id,
      name: Name,
      created: Created,
      reason: OURS,
      action: "remove",
    }));
}

/** Made anew with every container: nothing in one is worth keeping, and it is clear text for root. */
const SECRETS_VOLUME = /-secrets-[0-9a-f]{7}$/;

/** Volumes hold data: they are named, never removed. All but those of secret files, which the engine names. */
async function findVolumes(docker: Docker, query: OrphanQuery): Promise<Orphan[]> {
  const declared = new Set(query.declared.volumes);
  const { Volumes } = await docker.listVolumes();
  return Volumes.filter(({ Name, Labels }) => !declared.has(Name) && isOurs(Labels, query)).map((volume) => ({
    kind: "volume",
    id: volume.Name,
    name: volume.Name,
    ...("CreatedAt" in volume ? { created: String(volume.CreatedAt) } : {}),
    reason: OURS,
    action: isSecretsVolume(volume.Name, query) ? "remove" : "report",
  }));
}

/** By the name that the program gives such a volume, with the provider's random suffix. */
export function isSecretsVolume(name: string, { estate, stack }: Pick<OrphanQuery, "estate" | "stack">): boolean {
  return name.startsWith(`${estate}-${stack}-`) && SECRETS_VOLUME.test(name);
}

/** MCP servers of this machine outside of containers; those of another Docker host are not to be seen from here. */
async function findProcesses({ policy, servers }: OrphanQuery): Promise<Orphan[]> {
  if (policy.hostProcesses === "ignore" || !isLocal()) return [];
  const found = await findHostProcesses(servers, policy.hostAllowed);
  return found.map(({ pid, startTime, package: server, created, memoryMiB }) => ({
    kind: "process",
    id: `${pid}:${startTime}`,
    name: String(pid),
    image: server,
    created,
    memoryMiB,
    reason: "runs on the host, outside of every container",
    action: policy.hostProcesses === "end" ? "remove" : "report",
  }));
}

/** Start scripts of this machine; those of another Docker host are not to be seen from here. */
async function findScripts({ policy }: OrphanQuery): Promise<Orphan[]> {
  if (!isLocal()) return [];
  const found = await findStartScripts(policy.startScriptPaths);
  return found.map(({ path, created }) => ({
    kind: "script",
    id: path,
    name: path,
    created,
    reason: "starts servers on the host, outside of every container",
    action: policy.startScripts === "disable" ? "remove" : "report",
  }));
}

/** Images of this stack beyond the newest few of each component. */
async function findImages(docker: Docker, query: OrphanQuery): Promise<Orphan[]> {
  const declared = new Set(query.declared.images);
  const label = [`${LABEL_ESTATE}=${query.estate}`, `${LABEL_STACK}=${query.stack}`];
  const byComponent = Map.groupBy(
    await docker.listImages({ filters: { label } }),
    ({ Labels }) => (Labels as Record<string, string> | null)?.[LABEL_COMPONENT] ?? "",
  );
  return [...byComponent.values()].flatMap((images) =>
    images
      .sort((a, b) => b.Created - a.Created)
      .slice(query.policy.keepImages)
      .filter(({ Id }) => !declared.has(Id))
      .map(({ Id, RepoTags, Created }) => ({
        kind: "image" as const,
        id: Id,
        name: RepoTags?.[0] ?? Id,
        created: new Date(Created * 1000).toISOString(),
        reason: `older than the ${query.policy.keepImages} images of its component that are kept`,
        action: "remove" as const,
      })),
  );
}

function isOurs(
  labels: Readonly<Record<string, string>> | null | undefined,
  owner: { estate: string; stack: string },
): boolean {
  return labels?.[LABEL_ESTATE] === owner.estate && labels[LABEL_STACK] === owner.stack;
}

/** `mcp/fetch:latest` without `:latest`; a port of a registry is no tag. */
function withoutTag(image: string): string {
  return image.replace(/:[^:/]+$/, "");
}

async function memoryOf(docker: Docker, id: string): Promise<Pick<Orphan, "memoryMiB">> {
  try {
    const stats = await docker.getContainer(id).stats({ stream: false, "one-shot": true });
    const bytes = stats.memory_stats.usage;
    return typeof bytes === "number" ? { memoryMiB: Math.round(bytes / MIB) } : {};
  } catch {
    // It ended between the list and this look.
    return {};
  }
}
