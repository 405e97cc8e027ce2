import assert from "node:assert/strict";
import { observedFacts, type ContainerFacts } from "../../../components/providers/containerFacts.ts";
import type { OwnDocker } from "../ownDocker.ts";
import type { TestEstate } from "../testEstate.ts";

/** One row of `npm run drift -- --json`. */
export interface DriftRow {
  resource: string;
  property: string;
  declared: string;
  found: string;
}

/** What the drift command names, with its exit code checked. */
export async function lookForDrift(estate: TestEstate): Promise<DriftRow[]> {
  const { code, output, stdout } = await estate.command("drift", ["--yes", "--json"]);
  assert.ok(code === 0 || code === 2, output);
  const rows = JSON.parse(stdout) as DriftRow[];
  assert.equal(code, rows.length === 0 ? 0 : 2, output);
  return rows;
}

/** @throws AssertionError with all rows unless one is of this resource and property, and says what was found. */
export function assertNamed(rows: readonly DriftRow[], resource: string, property: string, found: RegExp): void {
  const row = rows.find((each) => each.resource === resource && each.property === property);
  assert.ok(row, `${resource} ${property} is not among ${JSON.stringify(rows, null, 1)}`);
  assert.match(row.found, found, `${resource} ${property}`);
}

/** Seven random hexadecimal digits end the names that the provider makes. */
const withoutSuffix = (name: string) => name.replaceAll(/-[0-9a-f]{7}\b/g, "");

/**
 * All that is declared of the stack as Docker has it, without what a new object has of its own (random name suffixes
 * and ids), so that two moments can be compared.
 */
export async function stackFacts(estate: TestEstate, { docker }: OwnDocker): Promise<unknown> {
  const containers = await Promise.all((await estate.containers()).map(({ Id }) => docker.getContainer(Id).inspect()));
  const networks = await estate.networks();
  const volumes = await estate.volumes();
  return {
    containers: byName(
      containers.map((info) => [
        info.Name,
        { ...named(observedFacts(info)), image: "", pids: info.HostConfig.PidsLimit, state: info.State.Status },
      ]),
    ),
    networks: byName(
      networks.map(({ Name, Driver, Internal, IPAM, Options, Labels }) => [
        Name,
        { Driver, Internal, ipam: IPAM?.Config, Options, Labels },
      ]),
    ),
    volumes: byName(volumes.map(({ Name, Labels }) => [Name, Labels])),
  };
}

function byName(entries: Array<[name: string, facts: unknown]>): unknown {
  return Object.fromEntries(
    entries
      .map(([name, facts]): [string, unknown] => [withoutSuffix(name), facts])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Its own name and those of networks and volumes in the facts of a container. */
function named({ name, ...facts }: ContainerFacts): ContainerFacts {
  const lists = Object.entries(facts).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.map(withoutSuffix) : value,
  ]);
  return { name: withoutSuffix(String(name)), ...(Object.fromEntries(lists) as ContainerFacts) };
}
