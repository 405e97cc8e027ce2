import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "../docker.ts";
import type Docker from "dockerode";
import { SERVICE_PORT } from "../../../runtime/contract/index.ts";
import { execIn } from "../containerExec.ts";
import type { SmokeWorkload } from "./spec.ts";

const CONNECT_SECONDS = 1;
/** A busy host may fail to start a program in a container. */
const TRIES = 3;
const PAUSE_MS = 500;

/**
 * Tries from inside of a container what it must not reach: each other closed workload, and each port that the estate
 * publishes on the host, by the host's address on the network behind it.
 * @throws Error naming what could be reached.
 */
export async function closed(workload: SmokeWorkload, all: readonly SmokeWorkload[]): Promise<string> {
  const container = containerOf(workload);
  const others = await Promise.all(
    all
      // Instances of one server share their network.
      .filter(({ server }) => server !== workload.server)
      .map(async (other) => forbiddenOf(other, await containerOf(other).inspect())),
  );
  const targets = others.flat();
  if (targets.length === 0) return "nothing else is there";
  const times = await tryAll(
    container,
    targets.map(({ address }) => urlOf(address)),
  );
  const reached = targets.filter(({ address }) => times.get(urlOf(address)) !== 0);
  if (reached.length > 0) {
    throw new Error(`it reaches ${reached.map(({ name, address }) => `${name} at ${address}`).join(", ")}`);
  }
  return `${targets.length} addresses out of reach`;
}

/**
 * URL → seconds until it was connected; 0 where it never was. All in one process: one for each took longer than the rest of the
 * suite.
 * @throws Error when a try was not even begun: that says nothing of what can be reached.
 */
async function tryAll(container: Docker.Container, urls: readonly string[]): Promise<Map<string, number>> {
  const command = [
    ...["/usr/bin/curl", "-s", "--connect-timeout", String(CONNECT_SECONDS), "--max-time", String(2 * CONNECT_SECONDS)],
    ...["-w", "%{url_effective} %{time_connect}\\n", ...urls.flatMap((url) => ["-o", "/dev/null", url])],
  ];
  for (let left = TRIES; ; left--) {
    const { code, stdout } = await execIn(container, command);
    if (code === -1) throw new Error("its container does not run");
    const times = connectTimes(stdout);
    const untried = urls.filter((url) => !times.has(url));
    if (untried.length === 0) return times;
    if (left === 1)
      throw new Error(
        `whether it reaches ${untried.join(", ")} could not be tried: curl ended with ${code}: ${stdout}`,
      );
    await sleep(PAUSE_MS);
  }
}

function containerOf({ containerId, dockerHost }: SmokeWorkload): Docker.Container {
  return connectTo(dockerHost).getContainer(containerId);
}

function urlOf(address: string): string {
  return `http://${address}/health`;
}

function connectTimes(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const [url = "", seconds] = line.split(" ");
      return [url, Number(seconds)];
    }),
  );
}

interface Forbidden {
  name: string;
  /** `HOST:PORT` */
  address: string;
}

function forbiddenOf({ component, closed: isServer }: SmokeWorkload, info: Docker.ContainerInspectInfo): Forbidden[] {
  const networks = Object.values(info.NetworkSettings.Networks);
  if (isServer) {
    return networks
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
