import type Docker from "dockerode";
import { SERVICE_PORT } from "../../../runtime/contract/index.ts";
import { execIn } from "../containerExec.ts";
import { connect } from "../docker.ts";
import type { SmokeWorkload } from "./spec.ts";

const CONNECT_SECONDS = 1;
/** curl: it could not connect, or not in time. */
const CLOSED_CODES = [7, 28];

/**
 * Tries from inside of a container what it must not reach: each other closed workload, and each port that the estate
 * publishes on the host, by the host's address on the network behind it.
 * @throws Error naming what could be reached.
 */
export async function closed(workload: SmokeWorkload, all: readonly SmokeWorkload[]): Promise<string> {
  const docker = connect();
  const container = docker.getContainer(workload.containerId);
  const own = Object.keys((await container.inspect()).NetworkSettings.Networks);
  const others = await Promise.all(
    all
      .filter(({ containerId }) => containerId !== workload.containerId)
      .map(async (other) => forbiddenOf(other, await docker.getContainer(other.containerId).inspect(), own)),
  );
  const targets = others.flat();
  for (const { name, address } of targets) {
    const { code } = await execIn(container, [
      ...["/usr/bin/curl", "-s", "-o", "/dev/null", "--connect-timeout", String(CONNECT_SECONDS)],
      ...["--max-time", String(2 * CONNECT_SECONDS), `http://${address}/health`],
    ]);
    if (code === -1) throw new Error("its container does not run");
    if (!CLOSED_CODES.includes(code)) throw new Error(`it reaches ${name} at ${address}`);
  }
  return `${targets.length} addresses out of reach`;
}

interface Forbidden {
  name: string;
  /** `HOST:PORT` */
  address: string;
}

function forbiddenOf(
  { component, closed: isServer }: SmokeWorkload,
  info: Docker.ContainerInspectInfo,
  own: readonly string[],
): Forbidden[] {
  const networks = Object.values(info.NetworkSettings.Networks);
  if (isServer) {
    // Instances of one server share their network.
    return Object.entries(info.NetworkSettings.Networks)
      .flatMap(([name, network]) => (own.includes(name) ? [] : [network]))
      .filter(({ IPAddress }) => IPAddress !== "")
      .map(({ IPAddress }) => ({ name: component, address: `${IPAddress}:${SERVICE_PORT}` }));
  }
  const published = Object.values((info.HostConfig.PortBindings ?? {}) as Record<string, Array<{ HostPort: string }>>);
  const hostPorts = published.flat().map(({ HostPort }) => HostPort);
  const hosts = networks.map(({ Gateway }) => Gateway).filter((address) => address !== "");
  return hosts.flatMap((host) =>
    hostPorts.map((port) => ({ name: `the host's port of ${component}`, address: `${host}:${port}` })),
  );
}
