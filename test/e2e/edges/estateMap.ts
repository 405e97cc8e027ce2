import type Docker from "dockerode";
import { LABEL_COMPONENT } from "../../../components/naming.ts";
import type { TestEstate } from "../testEstate.ts";
import type { Target } from "./matrix.ts";

/** An estate as Docker has it. */
export interface EstateMap {
  /** Component → its one container. */
  containers: ReadonlyMap<string, Docker.ContainerInspectInfo>;
  /** Component → its own network, by Docker's name. */
  networks: ReadonlyMap<string, string>;
  /** First addresses of internal networks, which would be their bridges'. */
  internalBridges: readonly string[];
  /**
   * Every address of every component, with its port; open to those who are declared to share the network with it, and to
   * nobody where the component does not listen.
   */
  components: readonly Target[];
  /** Name of every component; open in the same way. */
  names: readonly Target[];
}

/** What a component listens on in its container. @default 8000 */
const PORTS: Readonly<Record<string, number>> = { egress: 3128 };
const DEFAULT_PORT = 8000;
/** Those that listen on their own network alone; all others do on every network that they join. */
const KEEPS_TO_ITS_NETWORK: readonly string[] = ["gateway"];

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** @param joins component → the networks that it is declared to join, by the component that each is for. */
export async function mapEstate(
  estate: TestEstate,
  docker: Docker,
  joins: Readonly<Record<string, readonly string[]>>,
): Promise<EstateMap> {
  const found = await estate.containers();
  const containers = new Map(
    await Promise.all(
      found.map(
        async ({ Id, Labels }) => [Labels[LABEL_COMPONENT] ?? "", await docker.getContainer(Id).inspect()] as const,
      ),
    ),
  );
  const networks = await estate.networks();
  const owners = new Map(networks.map(({ Name, Labels }) => [Name, Labels?.[LABEL_COMPONENT] ?? ""]));
  const sharing = (...names: string[]) =>
    Object.keys(joins).filter((component) => joins[component]?.some((network) => names.includes(network)));
  return {
    containers,
    networks: new Map([...owners].map(([name, component]) => [component, name])),
    internalBridges: networks.flatMap(({ Internal, IPAM }) => (Internal ? [IPAM?.Config?.[0]?.Gateway ?? ""] : [])),
    components: [...containers].sort(byName).flatMap(([to, { NetworkSettings }]) =>
      Object.entries(NetworkSettings.Networks).map(([network, { IPAddress }]) => ({
        to,
        place: `${IPAddress}:${PORTS[to] ?? DEFAULT_PORT}`,
        openTo:
          KEEPS_TO_ITS_NETWORK.includes(to) && owners.get(network) !== to ? [] : sharing(owners.get(network) ?? ""),
      })),
    ),
    names: Object.entries(joins).map(([place, theirs]) => ({
      to: "names of components",
      place,
      openTo: sharing(...theirs),
    })),
  };
}
