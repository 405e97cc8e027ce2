import type Docker from "dockerode";
import { stackLabel } from "./docker.ts";
import { projectName } from "./projectName.ts";

/** Whose objects: the project and the stack, as their labels say. */
export interface Owner {
  estate: string;
  stack: string;
}

/** @param stack also in its long form, ORGANIZATION/PROJECT/STACK. */
export function ownerOf(project: string, stack: string): Owner {
  return { estate: projectName(project), stack: stack.split("/").at(-1) ?? stack };
}

/** Names of what carries the labels of a stack. */
export interface LeftOvers {
  containers: string[];
  networks: string[];
  volumes: string[];
  images: string[];
}

export async function leftOvers(docker: Docker, owner: Owner): Promise<LeftOvers> {
  const filters = ofStack(owner);
  const [containers, networks, { Volumes: volumes }, images] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
    docker.listImages({ filters }),
  ]);
  return {
    containers: containers.map(({ Names, Id }) => `container ${Names[0]?.slice(1) ?? Id.slice(0, 12)}`),
    networks: networks.map(({ Name }) => `network ${Name}`),
    volumes: volumes.map(({ Name }) => Name),
    images: images.map(({ Id }) => Id),
  };
}

/**
 * Removes the stack's volumes with their data. Returns how many.
 * @param unlabelled its volumes that carry no labels, as adopted ones do not.
 */
export async function removeVolumes(docker: Docker, owner: Owner, unlabelled: readonly string[]): Promise<number> {
  const names = new Set([...(await leftOvers(docker, owner)).volumes, ...unlabelled]);
  for (const name of names) await docker.getVolume(name).remove();
  return names.size;
}

/** Removes the stack's images. Returns how many; one that another stack's container uses stays. */
export async function removeImages(docker: Docker, owner: Owner): Promise<number> {
  const inUse = new Set((await docker.listContainers({ all: true })).map(({ ImageID }) => ImageID));
  const images = (await leftOvers(docker, owner)).images.filter((id) => !inUse.has(id));
  // By id and forced, as one image can have several tags.
  for (const id of images) await docker.getImage(id).remove({ force: true });
  return images.length;
}

/** Docker's filter for what carries the labels of a stack. */
export function ofStack({ estate, stack }: Owner): { label: string[] } {
  return { label: [`mcp-estate.estate=${estate}`, `${stackLabel}=${stack}`] };
}

/** Whether labels say that an object is this stack's. */
export function isOf({ estate, stack }: Owner, labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labels?.["mcp-estate.estate"] === estate && labels[stackLabel] === stack;
}
