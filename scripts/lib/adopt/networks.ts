import type Docker from "dockerode";
import { UserError } from "../userError.ts";
import { toKey } from "./found.ts";

/** A network that a container is on, and what becomes of it. */
export interface AdoptedNetwork {
  key: string;
  id: string;
  dockerName: string;
  /** Its entry in `networks`. */
  entry: Record<string, unknown>;
  attachable: boolean;
  labels: Record<string, string>;
  /** The gateway as Docker tells of it; some versions leave out their own choice. */
  gateway: string | undefined;
}

/** Networks that every Docker has. */
const BUILT_IN = new Set(["bridge", "host", "none"]);

/**
 * The user's own networks among those that containers are on; those of an estate are left out.
 * @param known key in the settings → name in Docker, of networks that are declared already.
 * @throws UserError naming a network that no entry can describe: it cannot be changed under its users.
 */
export async function findNetworks(
  docker: Docker,
  containers: readonly Docker.ContainerInspectInfo[],
  known: Readonly<Record<string, string>>,
): Promise<AdoptedNetwork[]> {
  const names = new Set(containers.flatMap(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks)));
  const found: AdoptedNetwork[] = [];
  for (const name of [...names].filter((each) => !BUILT_IN.has(each)).sort()) {
    const info = (await docker.getNetwork(name).inspect()) as Inspected;
    if (info.Labels?.["mcp-estate.estate"] !== undefined) continue;
    const declared = Object.entries(known).find(([, dockerName]) => dockerName === name)?.[0];
    found.push({ ...describe(info), key: declared ?? toKey(name) });
  }
  const keys = found.map(({ key }) => key);
  const twice = found.find(({ key }, i) => key === "" || keys.indexOf(key) !== i);
  if (twice) {
    throw new UserError(
      `network "${twice.dockerName}" would be called "${twice.key}" in the settings, as another one is; declare it in mcp-estate:networks under a key of your own, with dockerName: ${twice.dockerName}`,
    );
  }
  return found;
}

interface Inspected extends Docker.NetworkInspectInfo {
  Attachable: boolean;
  EnableIPv6: boolean;
  Labels: Record<string, string>;
  Options: Record<string, string>;
}

function describe(info: Inspected): Omit<AdoptedNetwork, "key"> {
  const { Name: dockerName, Id: id, Driver, EnableIPv6, Internal, Options, Attachable: attachable } = info;
  const configs = (info.IPAM?.Config ?? []) as { Subnet?: string; Gateway?: string; IPRange?: string }[];
  const [first] = configs;
  const fault =
    Driver !== "bridge"
      ? `its driver is ${Driver}`
      : EnableIPv6 || configs.length !== 1
        ? `it has ${configs.length} address ranges${EnableIPv6 ? ", IPv6 among them" : ""}`
        : first?.IPRange
          ? `it gives addresses from ${first.IPRange} alone`
          : undefined;
  if (fault || !first?.Subnet) {
    throw new UserError(
      `network "${dockerName}" cannot be adopted: ${fault ?? "it has no addresses"}; allowed is a bridge network with one IPv4 range. Connect the container to another one, or disconnect it: docker network disconnect ${dockerName} CONTAINER`,
    );
  }
  const options = Options ?? {};
  return {
    id,
    dockerName,
    attachable,
    labels: info.Labels ?? {},
    gateway: first.Gateway,
    entry: {
      dockerName,
      subnet: first.Subnet,
      ...(first.Gateway ? { gateway: first.Gateway } : {}),
      ...(Internal ? { internal: true } : {}),
      ...(Object.keys(options).length > 0 ? { options } : {}),
    },
  };
}
