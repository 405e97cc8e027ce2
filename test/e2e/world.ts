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
 * Fails unless all that the state says is there and runs, and the state says exactly what the settings declare: a
 * container and a network per server and for the gateway, a secrets volume each, `withData` data volumes.
 * @returns what is on the host and not in the state: an update that was killed leaves it.
 */
export async function assertDeclared(estate: TestEstate, servers: readonly string[], withData: number): Promise<World> {
  const [declared, present] = [declaredWorld(estate), await presentWorld(estate)];
  const split = (kind: keyof World) => {
    const known = new Set(declared[kind]);
    assert.deepEqual(
      present[kind].filter((id) => known.has(id)),
      declared[kind],
      `${kind} of the state are there`,
    );
    return present[kind].filter((id) => !known.has(id));
  };
  const strays = { containers: split("containers"), networks: split("networks"), volumes: split("volumes") };
  const components = [...servers, "gateway"].sort();
  const labels = (objects: ReadonlyArray<{ Labels?: Record<string, string> }>) =>
    objects.map((each) => each.Labels?.[COMPONENT]).sort();
  const containers = (await estate.containers()).filter(({ Id }) => declared.containers.includes(Id));
  assert.deepEqual(labels(containers), components);
  assert.deepEqual(
    containers.filter(({ State }) => State !== "running").map(({ Names }) => Names),
    [],
  );
  assert.deepEqual(labels((await estate.networks()).filter(({ Id }) => declared.networks.includes(Id))), components);
  assert.equal(declared.volumes.length, components.length + withData);
  return strays;
}

/** `assertDeclared`, and nothing else of this stack is there. */
export async function assertExact(estate: TestEstate, servers: readonly string[], withData: number): Promise<void> {
  assert.deepEqual(await assertDeclared(estate, servers, withData), { containers: [], networks: [], volumes: [] });
}
