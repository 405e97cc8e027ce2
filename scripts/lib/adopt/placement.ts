import type Docker from "dockerode";
import { nonEmpty, split, unusedKey, type Found, type Part } from "./found.ts";

type Host = Docker.HostConfig & { Tmpfs?: Record<string, string> };

const ANONYMOUS = /^[0-9a-f]{64}$/;
const SOCKET = /^(\/var)?\/run\/docker\.sock$/;

/** Where its data is, and its log. */
export function storage({ info }: Found): Part {
  const host = info.HostConfig as Host;
  const volumes: Record<string, { path: string; readOnly: boolean; dockerName: string }> = {};
  const hostPaths: { hostPath: string; path: string; readOnly: boolean }[] = [];
  const tmpfs = { ...host.Tmpfs };
  const notes: string[] = [];
  const losses: string[] = [];
  for (const { Type, Name = "", Source, Destination: path, RW, Propagation, Driver } of info.Mounts as Mount[]) {
    if (Type === "volume") {
      volumes[unusedKey(path, volumes)] = { path, readOnly: !RW, dockerName: Name };
      if (Driver && Driver !== "local") losses.push(`the driver ${Driver} of volume ${Name}`);
      if (ANONYMOUS.test(Name))
        notes.push(
          `the volume at ${path} has no name of its own (${Name.slice(0, 12)}…): docker volume prune removes it while the container is down`,
        );
    } else if (Type === "bind" && SOCKET.test(Source)) {
      losses.push("the Docker socket: whoever has it has the host");
    } else if (Type === "bind") {
      hostPaths.push({ hostPath: Source, path, readOnly: !RW });
      if (Propagation && Propagation !== "rprivate") losses.push(`the mount propagation ${Propagation} at ${path}`);
    } else if (Type === "tmpfs") tmpfs[path] ??= "";
    else losses.push(`the ${Type} mount at ${path}`);
  }
  const logDriver = host.LogConfig?.Type ?? "";
  if (logDriver === "json-file") {
    if (!nonEmpty((host.LogConfig?.Config ?? {}) as object)) notes.push("its log is bounded from now on");
  } else if (logDriver) losses.push(`the log driver ${logDriver}`);
  return {
    entry: {
      volumes: nonEmpty(volumes),
      hostPaths: hostPaths.length > 0 ? hostPaths : undefined,
      tmpfs: nonEmpty(tmpfs),
    },
    volumes: Object.fromEntries(Object.entries(volumes).map(([key, { dockerName }]) => [key, dockerName])),
    notes,
    losses,
  };
}

type Mount = { Type: string; Name?: string; Source: string; Destination: string; RW: boolean } & {
  Propagation?: string;
  Driver?: string;
};

/** Where others find it. */
export function networking({ info, networkKeys }: Found): Part {
  const { HostConfig: host, NetworkSettings, Id } = info;
  const mode = host.NetworkMode ?? "default";
  const networks: Record<string, object> = {};
  const losses: string[] = [];
  const isOnBridge = mode === "default" || mode === "bridge";
  if (mode === "host" || mode === "none" || mode.startsWith("container:")) losses.push(`the network mode ${mode}`);
  for (const [name, { Aliases, IPAMConfig }] of Object.entries(NetworkSettings.Networks)) {
    const key = networkKeys.get(name);
    if (key === undefined) {
      if (!isOnBridge || name !== "bridge") losses.push(`the network ${name}`);
      continue;
    }
    const aliases = ((Aliases ?? []) as string[]).filter(
      (alias) => alias !== Id.slice(0, 12) && alias !== info.Name.slice(1) && alias !== info.Config.Hostname,
    );
    const address = (IPAMConfig as { IPv4Address?: string } | null | undefined)?.IPv4Address;
    networks[key] = { ...(aliases.length > 0 ? { aliases } : {}), ...(address ? { address } : {}) };
  }
  if (isOnBridge && Object.keys(networks).length > 0) losses.push("its place on Docker's default bridge");
  const { ports, notes, losses: portLosses } = publishedPorts(info);
  const hosts = ((host.ExtraHosts ?? []) as string[]).map((entry) => split(entry.replace(":", "=")));
  return {
    entry: {
      ports: ports.length > 0 ? ports : undefined,
      networks: nonEmpty(networks),
      hosts: nonEmpty(Object.fromEntries(hosts)),
    },
    notes,
    losses: [...losses, ...portLosses],
  };
}

function publishedPorts({ HostConfig: host, NetworkSettings }: Docker.ContainerInspectInfo) {
  const ports: object[] = [];
  const notes: string[] = [];
  const losses: string[] = [];
  type Bindings = Record<string, { HostIp?: string; HostPort?: string }[] | null>;
  const actual = NetworkSettings.Ports as Bindings;
  const declared = host.PublishAllPorts ? actual : ((host.PortBindings ?? {}) as Bindings);
  for (const [inside, bindings] of Object.entries(declared)) {
    const [containerPort, protocol = "tcp"] = inside.split("/");
    for (const { HostIp = "", HostPort = "" } of bindings ?? []) {
      const hostPort = HostPort || actual[inside]?.[0]?.HostPort || "";
      const what = `${HostIp || "0.0.0.0"}:${hostPort}->${inside}`;
      if (HostIp.includes(":")) losses.push(`the published port ${what} on an IPv6 address`);
      else if (protocol !== "tcp" && protocol !== "udp") losses.push(`the published port ${what}`);
      else if (!hostPort) losses.push(`the published port ${what}, which Docker chooses at each start`);
      else
        ports.push({
          containerPort: Number(containerPort),
          hostPort: Number(hostPort),
          bind: HostIp || "0.0.0.0",
          protocol,
        });
      if (hostPort && (!HostPort || host.PublishAllPorts))
        notes.push(`port ${inside} keeps ${hostPort}, which Docker had chosen`);
    }
  }
  return { ports, notes, losses };
}
