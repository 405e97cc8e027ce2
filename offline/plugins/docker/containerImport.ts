import type Docker from "dockerode";
import type { Value, ValueMap } from "../values.ts";
import { orGone } from "./connection.ts";
import { BYTES_PER_MIB } from "./containerOptions.ts";
import { healthcheckOf } from "./containerState.ts";
import { labelList } from "./properties.ts";

type Found = Docker.ContainerInspectInfo;
/** The parts of a container's configuration that may come from its image. */
type ImageConfig = Partial<Found["Config"]> & { StopSignal?: string };

/**
 * Inputs that would make the container which was found: for `pulumi import`. What its image brings (environment,
 * labels, command…) is not repeated.
 */
export async function importedContainer(docker: Docker, found: Found): Promise<ValueMap> {
  const image = (await orGone(docker.getImage(found.Image).inspect()))?.Config as ImageConfig | undefined;
  const inputs = {
    ...identity(found, image ?? {}),
    ...isolation(found),
    ...resourcesOf(found),
    ...storage(found),
    ...networking(found),
  };
  return Object.fromEntries(
    Object.entries(inputs).filter(([, value]) => value !== undefined && value !== null),
  ) as ValueMap;
}

type BlkioRates = `BlkioDevice${"Read" | "Write"}${"Bps" | "IOps"}`;

/** Docker's host configuration with the parts that the types of dockerode leave open. */
type Host = Omit<
  Docker.HostConfig,
  "CapAdd" | "CapDrop" | "Ulimits" | "Binds" | "VolumesFrom" | "Mounts" | "Devices" | BlkioRates
> & {
  Runtime?: string;
  CapAdd?: string[] | null;
  CapDrop?: string[] | null;
  Ulimits?: { Name?: string; Soft?: number; Hard?: number }[] | null;
  Binds?: string[] | null;
  VolumesFrom?: string[] | null;
  Mounts?: Docker.MountSettings[] | null;
  Devices?: { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[] | null;
} & Record<BlkioRates, { Path?: string; Rate?: number }[] | null | undefined>;

type Partially = Record<string, Value | undefined>;

function identity({ Name, Config: config, HostConfig: host }: Found, image: ImageConfig): Partially {
  const env = (config.Env ?? []).filter((entry) => !(image.Env ?? []).includes(entry));
  const labels = labelList(config.Labels).filter(({ label, value }) => image.Labels?.[label] !== value);
  const differs = <T>(own: T, inherited: unknown): T | undefined =>
    JSON.stringify(own) === JSON.stringify(inherited ?? null) ? undefined : own;
  return {
    name: Name.replace(/^\//, ""),
    image: config.Image,
    command: differs(config.Cmd, image.Cmd),
    entrypoints: differs(config.Entrypoint as string[] | null, image.Entrypoint) ?? undefined,
    envs: given(env),
    labels: given(labels),
    hostname: config.Hostname,
    domainname: config.Domainname || undefined,
    user: differs(config.User, image.User ?? "") || undefined,
    workingDir: differs(config.WorkingDir, image.WorkingDir ?? "") || undefined,
    stopSignal: differs((config as ImageConfig).StopSignal, image.StopSignal),
    stopTimeout: (config as { StopTimeout?: number }).StopTimeout,
    healthcheck:
      JSON.stringify(config.Healthcheck) === JSON.stringify(image.Healthcheck)
        ? undefined
        : healthcheckOf(config.Healthcheck, undefined),
    tty: config.Tty || undefined,
    stdinOpen: config.OpenStdin || undefined,
    restart: host.RestartPolicy?.Name || undefined,
    maxRetryCount: host.RestartPolicy?.MaximumRetryCount || undefined,
    rm: host.AutoRemove || undefined,
    logDriver: host.LogConfig?.Type,
    logOpts: nonEmpty(host.LogConfig?.Config as Record<string, string> | undefined),
    mustRun: true,
    start: true,
    removeVolumes: true,
  };
}

function isolation(found: Found): Partially {
  const host = found.HostConfig as Host;
  const capabilities = {
    ...(host.CapAdd?.length ? { adds: host.CapAdd } : {}),
    ...(host.CapDrop?.length ? { drops: host.CapDrop } : {}),
  };
  return {
    capabilities: nonEmpty(capabilities as unknown as Record<string, string>),
    securityOpts: given(host.SecurityOpt),
    privileged: host.Privileged || undefined,
    readOnly: host.ReadonlyRootfs || undefined,
    init: host.Init ?? undefined,
    ipcMode: host.IpcMode || undefined,
    pidMode: host.PidMode || undefined,
    usernsMode: host.UsernsMode || undefined,
    cgroupParent: host.CgroupParent || undefined,
    groupAdds: given(host.GroupAdd),
    runtime: host.Runtime,
    sysctls: nonEmpty(host.Sysctls),
    ulimits: given(
      (host.Ulimits ?? []).map(({ Name, Soft, Hard }: { Name?: string; Soft?: number; Hard?: number }) => ({
        name: Name ?? "",
        soft: Soft ?? 0,
        hard: Hard ?? 0,
      })),
    ),
    devices: given(
      (host.Devices ?? []).map(({ PathOnHost, PathInContainer, CgroupPermissions }) => ({
        hostPath: PathOnHost,
        containerPath: PathInContainer,
        permissions: CgroupPermissions,
      })),
    ),
    deviceRequests: given(
      (host.DeviceRequests ?? []).map((request: Docker.DeviceRequest) => ({
        driver: request.Driver ?? "",
        count: request.Count ?? 0,
        deviceIds: request.DeviceIDs ?? [],
        capabilities: request.Capabilities?.[0] ?? [],
        options: request.Options ?? {},
      })),
    ),
  };
}

function resourcesOf(found: Found): Partially {
  const host = found.HostConfig as Host;
  const mebibytes = (bytes: number | undefined) => (!bytes ? undefined : bytes < 0 ? bytes : bytes / BYTES_PER_MIB);
  const rates = (list: { Path?: string; Rate?: number }[] | null | undefined) =>
    given((list ?? []).map(({ Path, Rate }) => ({ path: Path ?? "", rate: Rate ?? 0 })));
  return {
    memory: mebibytes(host.Memory),
    memorySwap: mebibytes(host.MemorySwap),
    memoryReservation: mebibytes(host.MemoryReservation),
    shmSize: mebibytes(host.ShmSize),
    cpus: host.NanoCpus ? String(host.NanoCpus / 1e9) : undefined,
    cpuShares: host.CpuShares || undefined,
    cpuSet: host.CpusetCpus || undefined,
    cpuPeriod: host.CpuPeriod || undefined,
    cpuQuota: host.CpuQuota || undefined,
    deviceReadBps: rates(host.BlkioDeviceReadBps),
    deviceReadIops: rates(host.BlkioDeviceReadIOps),
    deviceWriteBps: rates(host.BlkioDeviceWriteBps),
    deviceWriteIops: rates(host.BlkioDeviceWriteIOps),
  };
}

function storage(found: Found): Partially {
  const host = found.HostConfig as Host;
  const volumes = (host.Binds ?? []).map((bind: string) => {
    const [source = "", containerPath = "", mode = "rw"] = bind.split(":");
    const flags = mode.split(",");
    const relabel = flags.find((flag) => flag === "z" || flag === "Z");
    return {
      ...(source.startsWith("/") ? { hostPath: source } : { volumeName: source }),
      containerPath,
      ...(flags.includes("ro") ? { readOnly: true } : {}),
      ...(relabel === undefined ? {} : { selinuxRelabel: relabel }),
    };
  });
  const inherited = (host.VolumesFrom ?? []).map((from: string) => ({
    fromContainer: from.split(":")[0] ?? "",
    ...(from.endsWith(":ro") ? { readOnly: true } : {}),
  }));
  return {
    volumes: given([...volumes, ...inherited]),
    mounts: given((host.Mounts ?? []).map(mountOf)),
    tmpfs: nonEmpty(host.Tmpfs),
    storageOpts: nonEmpty(host.StorageOpt),
  };
}

function mountOf(mount: Docker.MountSettings): ValueMap {
  const { BindOptions: bind, TmpfsOptions: tmpfs, VolumeOptions: volume } = mount;
  const inputs: Record<string, unknown> = {
    type: mount.Type,
    target: mount.Target,
    source: mount.Source,
    readOnly: mount.ReadOnly,
    bindOptions: bind && { propagation: bind.Propagation },
    tmpfsOptions: tmpfs && { sizeBytes: tmpfs.SizeBytes, mode: tmpfs.Mode },
    volumeOptions: volume && {
      noCopy: volume.NoCopy,
      labels: labelList(volume.Labels),
      driverName: volume.DriverConfig?.Name,
      driverOptions: volume.DriverConfig?.Options,
    },
  };
  return JSON.parse(JSON.stringify(inputs)) as ValueMap;
}

function networking({ Id, HostConfig: host, NetworkSettings }: Found): Partially {
  const mode = host.NetworkMode ?? "default";
  const networks = Object.entries(NetworkSettings.Networks).filter(
    ([name]) => name !== (mode === "default" ? "bridge" : mode) && name !== "host" && name !== "none",
  );
  const ports = Object.entries(
    (host.PortBindings ?? {}) as Record<string, { HostIp?: string; HostPort?: string }[] | null>,
  ).flatMap(([key, bindings]) => {
    const [internal, protocol] = key.split("/");
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({
      internal: Number(internal),
      ...(HostPort ? { external: Number(HostPort) } : {}),
      ip: HostIp || "0.0.0.0",
      protocol: protocol ?? "tcp",
    }));
  });
  return {
    networkMode: mode === "default" ? "bridge" : mode,
    networksAdvanced: given(
      networks.map(([name, network]) => {
        const aliases = ((network.Aliases ?? []) as string[]).filter((alias) => alias !== Id.slice(0, 12));
        const address = network.IPAMConfig as { IPv4Address?: string; IPv6Address?: string } | null | undefined;
        return {
          name,
          ...(aliases.length > 0 ? { aliases } : {}),
          ...(address?.IPv4Address ? { ipv4Address: address.IPv4Address } : {}),
          ...(address?.IPv6Address ? { ipv6Address: address.IPv6Address } : {}),
        };
      }),
    ),
    ports: given(ports),
    publishAllPorts: host.PublishAllPorts || undefined,
    dns: given(host.Dns),
    dnsOpts: given(host.DnsOptions),
    dnsSearches: given(host.DnsSearch),
    hosts: given(
      ((host.ExtraHosts ?? []) as string[]).map((entry) => {
        const at = entry.indexOf(":");
        return { host: entry.slice(0, at), ip: entry.slice(at + 1) };
      }),
    ),
  };
}

function given(list: unknown): Value | undefined {
  return Array.isArray(list) && list.length > 0 ? (list as Value[]) : undefined;
}

function nonEmpty(map: Record<string, string> | null | undefined): Value | undefined {
  return map !== null && map !== undefined && Object.keys(map).length > 0 ? map : undefined;
}
