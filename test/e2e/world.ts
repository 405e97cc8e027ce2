import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestEstate } from "./testEstate.ts";

/** Ids of containers and networks, names of volumes, sorted. */
export interface World {
  containers: string[];
  networks: string[];
  volumes: string[];
}

const TYPES = {
  containers: "docker:index/container:Container",
  networks: "docker:index/network:Network",
  volumes: "docker:index/volume:Volume",
} as const satisfies Record<keyof World, string>;

const COMPONENT = "mcp-estate.component";

/** What the state says that there is; from its file, as the engine takes a second to export it. */
export function declaredWorld(estate: TestEstate): World {
  const file = join(estate.folder, ".pulumi/stacks/mcp-estate", `${estate.stack}.json`);
  const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as {
    checkpoint: { latest: { resources?: Array<{ type: string; id?: string }> } };
  };
  const ids = (type: string) =>
    (checkpoint.latest.resources ?? []).filter((each) => each.type === type).map((each) => each.id ?? "");
  return {
    containers: ids(TYPES.containers).sort(),
    networks: ids(TYPES.networks).sort(),
    volumes: ids(TYPES.volumes).sort(),
  };
}

/** What carries the stack's labels on the host. */
export async function presentWorld(estate: TestEstate): Promise<World> {
  const [containers, networks, volumes] = await Promise.all([estate.containers(), estate.networks(), estate.volumes()]);
  return {
    containers: containers.map(({ Id }) => Id).sort(),
    networks: networks.map(({ Id }) => Id).sort(),
    volumes: volumes.map(({ Name }) => Name).sort(),
  };
}

/**
 * Fails unless all that the state says is there and runs, nothing else of this stack is, and the state says exactly what
 * the settings declare: a container and a network per server and for gateway and edge, a secrets volume each, `withData` data
 * volumes.
 */
export async function assertExact(estate: TestEstate, servers: readonly string[], withData: number): Promise<void> {
  const declared = declaredWorld(estate);
  assert.deepEqual(await presentWorld(estate), declared);
  const components = [...servers, "edge", "gateway"].sort();
  const labels = (objects: ReadonlyArray<{ Labels?: Record<string, string> }>) =>
    objects.map((each) => each.Labels?.[COMPONENT]).sort();
  const containers = await estate.containers();
  assert.deepEqual(labels(containers), components);
  assert.deepEqual(
    containers.filter(({ State }) => State !== "running").map(({ Names }) => Names),
    [],
  );
  assert.deepEqual(labels(await estate.networks()), components);
  assert.equal(declared.volumes.length, components.length + withData);
}
