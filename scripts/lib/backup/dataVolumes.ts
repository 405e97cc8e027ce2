import type Docker from "dockerode";
import type { Owner } from "../leftOvers.ts";
import { isOf, ofStack } from "../leftOvers.ts";
import { UserError } from "../userError.ts";
import { WORK } from "./workshop.ts";

/** A volume with data that somebody would miss. */
export interface DataVolume {
  name: string;
  component: string;
}

/** Volumes of secret files are named by the engine and made anew at each update: nothing in them is worth keeping. */
const SECRETS = /-secrets-[0-9a-f]{7}$/;
const COMPONENT = "mcp-estate.component";

/** Whose volumes, and which are the stack's by its settings alone. */
export interface VolumeOwner {
  docker: Docker;
  owner: Owner;
  /** Volumes of services: an adopted one has no labels, and after `down` no container. */
  declared: readonly DataVolume[];
}

/** The stack's data volumes: those that carry its labels, that its containers mount, and that its settings name. */
export async function dataVolumes({ docker, owner, declared }: VolumeOwner): Promise<DataVolume[]> {
  const filters = ofStack(owner);
  const [{ Volumes }, containers] = await Promise.all([
    docker.listVolumes(),
    docker.listContainers({ all: true, filters }),
  ]);
  const named = declared.filter(({ name }) => Volumes.some(({ Name }) => Name === name));
  const labelled = Volumes.filter(({ Labels }) => isOf(owner, Labels)).map(({ Name, Labels }): [string, string] => [
    Name,
    componentOf(Labels),
  ]);
  const mounted = containers.flatMap(({ Mounts, Labels }) =>
    Mounts.flatMap(({ Type, Name }): [string, string][] =>
      Type === "volume" && Name ? [[Name, componentOf(Labels)]] : [],
    ),
  );
  return [
    ...new Map([...named.map(({ name, component }): [string, string] => [name, component]), ...labelled, ...mounted]),
  ]
    .filter(([name]) => !SECRETS.test(name))
    .map(([name, component]) => ({ name, component }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function componentOf(labels: Readonly<Record<string, string>> | null | undefined): string {
  return labels?.[COMPONENT] ?? "";
}

/** The name in Docker of a volume that a user names: in full, or without what the stack's names begin with. */
export function volumeNamed(owner: Owner, known: readonly string[], name: string): string {
  return known.includes(name) ? name : fullName(owner, name);
}

/** `memory-data` is `mcp-estate-dev-memory-data` in stack dev of mcp-estate; the full name is good as well. */
export function fullName({ estate, stack }: Owner, name: string): string {
  const prefix = `${estate}-${stack}-`;
  return name.startsWith(prefix) ? name : prefix + name;
}

/**
 * The volumes that a user names, all of the stack when he names none.
 * @throws UserError that lists the stack's own for a name that is none of them.
 */
export function selectVolumes(owner: Owner, volumes: readonly DataVolume[], names: readonly string[]): DataVolume[] {
  if (names.length === 0) return [...volumes];
  return names.map((name) => {
    const found = volumes.find((volume) => volume.name === name || volume.name === fullName(owner, name));
    if (found) return found;
    throw new UserError(
      `"${name}" is no data volume of stack "${owner.stack}"; there is ${volumes.map((volume) => volume.name).join(", ") || "none"}`,
    );
  });
}

/** Containers that mount the volume, our own helpers left out. */
export async function usersOf(docker: Docker, volume: string): Promise<Docker.ContainerInfo[]> {
  const found = await docker.listContainers({ all: true, filters: { volume: [volume] } });
  // Docker's filter takes a mount point for a name as well.
  return found.filter(
    ({ Labels, Mounts }) => Labels[WORK.kind] === undefined && Mounts.some(({ Name }) => Name === volume),
  );
}

/**
 * An image for helpers: the server's own, else the newest of the stack.
 * @throws UserError when there is none.
 */
export async function imageFor(
  docker: Docker,
  owner: Owner,
  component: string,
  users: readonly Docker.ContainerInfo[],
): Promise<string> {
  const [user] = users;
  if (user) return user.ImageID;
  const images = await docker.listImages({ filters: ofStack(owner) });
  const newest = images.sort((a, b) => rank(b, component) - rank(a, component) || b.Created - a.Created)[0];
  if (newest) return newest.Id;
  throw new UserError(
    `no image of stack "${owner.stack}" is left, and a volume is read and written through one: run npm run up first`,
  );
}

function rank({ Labels }: Docker.ImageInfo, component: string): number {
  return componentOf(Labels) === component ? 1 : 0;
}
