import { existsSync, readFileSync } from "node:fs";
import type Docker from "dockerode";
import type { ValueMap } from "../values.ts";
import { anonymousVolumes, binds, mount } from "./containerMounts.ts";
import type { Mount, VolumeMount } from "./containerMounts.ts";
import { labelMap } from "./properties.ts";
import { nanoCpus, nanoseconds, withoutUndefined } from "./units.ts";

/** Inputs of a container as the program writes them; what is left out is undefined. Memory in MiB. */
export interface ContainerInputs {
  [name: string]: unknown;
  name: string;
  image: string;
  command?: string[];
  entrypoints?: string[];
  envs?: string[];
  networksAdvanced?: NetworkAttachment[];
  ports?: { internal: number; external?: number; ip?: string; protocol?: string }[];
  volumes?: VolumeMount[];
  mounts?: Mount[];
  uploads?: Upload[];
  healthcheck?: {
    tests?: string[];
    interval?: string;
    timeout?: string;
    startPeriod?: string;
    startInterval?: string;
    retries?: number;
  };
}

export interface NetworkAttachment {
  name: string;
  aliases?: string[];
  ipv4Address?: string;
  ipv6Address?: string;
  linkLocalIps?: string[];
  driverOpts?: string[];
  macAddress?: string;
  gwPriority?: number;
}

export interface Upload {
  file: string;
  content?: string;
  contentBase64?: string;
  source?: string;
  sourceHash?: string;
  executable?: boolean;
  permissions?: string;
}

export const BYTES_PER_MIB = 1024 * 1024;

export function containerInputs(inputs: ValueMap): ContainerInputs {
  return inputs as unknown as ContainerInputs;
}

/** Docker's request for a container with these inputs. The first of several networks is attached by it. */
export function createOptions(inputs: ContainerInputs): Docker.ContainerCreateOptions {
  const first = inputs.networksAdvanced?.[0];
  const options = {
    Image: inputs.image,
    Cmd: inputs.command,
    Entrypoint: inputs.entrypoints,
    Env: inputs.envs,
    User: inputs["user"],
    WorkingDir: inputs["workingDir"],
    Hostname: inputs["hostname"],
    Domainname: inputs["domainname"],
    Labels: labelMap(inputs["labels"]),
    Tty: inputs["tty"],
    OpenStdin: inputs["stdinOpen"],
    StopSignal: inputs["stopSignal"],
    StopTimeout: inputs["stopTimeout"],
    Healthcheck: healthcheck(inputs.healthcheck),
    ExposedPorts: Object.fromEntries((inputs.ports ?? []).map((port) => [portKey(port), {}])),
    Volumes: anonymousVolumes(inputs.volumes ?? []),
    HostConfig: hostConfig(inputs),
    ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.name]: endpoint(first) } } }),
  };
  return withoutUndefined(options);
}

function hostConfig(inputs: ContainerInputs): Record<string, unknown> {
  const capabilities = inputs["capabilities"] as { adds?: string[]; drops?: string[] } | undefined;
  const volumes = inputs.volumes ?? [];
  return {
    ...resources(inputs),
    AutoRemove: inputs["rm"],
    Binds: binds(volumes),
    CapAdd: capabilities?.adds,
    CapDrop: capabilities?.drops,
    CgroupParent: inputs["cgroupParent"],
    CgroupnsMode: inputs["cgroupnsMode"],
    CpuPeriod: inputs["cpuPeriod"],
    CpuQuota: inputs["cpuQuota"],
    DeviceRequests: deviceRequests(inputs),
    Devices: list<{ hostPath: string; containerPath?: string; permissions?: string }>(inputs["devices"])?.map(
      (device) => ({
        PathOnHost: device.hostPath,
        PathInContainer: device.containerPath || device.hostPath,
        CgroupPermissions: device.permissions || "rwm",
      }),
    ),
    Dns: inputs["dns"],
    DnsOptions: inputs["dnsOpts"],
    DnsSearch: inputs["dnsSearches"],
    ExtraHosts: list<{ host: string; ip: string }>(inputs["hosts"])?.map(({ host, ip }) => `${host}:${ip}`),
    GroupAdd: inputs["groupAdds"],
    Init: inputs["init"],
    IpcMode: inputs["ipcMode"],
    LogConfig:
      inputs["logDriver"] === undefined && inputs["logOpts"] === undefined
        ? undefined
        : { Type: inputs["logDriver"] ?? "", Config: inputs["logOpts"] ?? {} },
    Mounts: inputs.mounts?.map(mount),
    NanoCpus: inputs["cpus"] === undefined ? undefined : nanoCpus(inputs["cpus"] as string),
    NetworkMode: inputs["networkMode"],
    PidMode: inputs["pidMode"],
    PortBindings: portBindings(inputs.ports ?? []),
    Privileged: inputs["privileged"],
    PublishAllPorts: inputs["publishAllPorts"],
    ReadonlyRootfs: inputs["readOnly"],
    Runtime: inputs["runtime"],
    SecurityOpt: list<string>(inputs["securityOpts"])?.map(securityOption),
    ShmSize: mebibytes(inputs["shmSize"]),
    StorageOpt: inputs["storageOpts"],
    Sysctls: inputs["sysctls"],
    Tmpfs: inputs["tmpfs"],
    Ulimits: list<{ name: string; soft: number; hard: number }>(inputs["ulimits"])?.map(({ name, soft, hard }) => ({
      Name: name,
      Soft: soft,
      Hard: hard,
    })),
    UsernsMode: inputs["usernsMode"],
    VolumesFrom: volumes
      .filter(({ fromContainer }) => fromContainer)
      .map(({ fromContainer, readOnly }) => `${fromContainer}:${readOnly ? "ro" : "rw"}`),
  };
}

/** What Docker can change on a container that exists; the official plugin sends these and no others on an update. */
export function resources(inputs: ContainerInputs): Record<string, unknown> {
  const rates = (name: string) =>
    list<{ path: string; rate: number }>(inputs[name])?.map(({ path, rate }) => ({ Path: path, Rate: rate }));
  return withoutUndefined({
    BlkioDeviceReadBps: rates("deviceReadBps"),
    BlkioDeviceReadIOps: rates("deviceReadIops"),
    BlkioDeviceWriteBps: rates("deviceWriteBps"),
    BlkioDeviceWriteIOps: rates("deviceWriteIops"),
    CpuShares: inputs["cpuShares"],
    CpusetCpus: inputs["cpuSet"],
    Memory: mebibytes(inputs["memory"]),
    MemoryReservation: mebibytes(inputs["memoryReservation"]),
    MemorySwap: mebibytes(inputs["memorySwap"]),
    // A container that is removed at its end has no restart policy, and Docker refuses to be told one.
    RestartPolicy:
      inputs["rm"] === true
        ? undefined
        : { Name: inputs["restart"] ?? "no", MaximumRetryCount: inputs["maxRetryCount"] ?? 0 },
  });
}

/** -1 (no limit) stays as it is. */
function mebibytes(value: unknown): number | undefined {
  if (typeof value !== "number") return undefined;
  return value < 0 ? value : Math.round(value * BYTES_PER_MIB);
}

function healthcheck(check: ContainerInputs["healthcheck"]): Docker.HealthConfig | undefined {
  if (check === undefined) return undefined;
  const time = (duration: string | undefined) => (duration === undefined ? undefined : nanoseconds(duration));
  const config = {
    Test: check.tests,
    Interval: time(check.interval),
    Timeout: time(check.timeout),
    StartPeriod: time(check.startPeriod),
    // Docker before 25 knows no start interval; 0 means "its default" and is not sent.
    StartInterval: time(check.startInterval) || undefined,
    Retries: check.retries,
  };
  return withoutUndefined(config);
}

function portKey({ internal, protocol }: { internal: number; protocol?: string }): string {
  return `${internal}/${protocol || "tcp"}`;
}

function portBindings(
  ports: NonNullable<ContainerInputs["ports"]>,
): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    (bindings[portKey(port)] ??= []).push({
      HostIp: port.ip ?? "0.0.0.0",
      HostPort: port.external ? String(port.external) : "",
    });
  }
  return bindings;
}

function deviceRequests(inputs: ContainerInputs): Record<string, unknown>[] | undefined {
  const requests = (
    list<{
      driver?: string;
      count?: number;
      deviceIds?: string[];
      capabilities?: string[];
      options?: Record<string, string>;
    }>(inputs["deviceRequests"]) ?? []
  ).map(({ driver, count, deviceIds, capabilities, options }): Record<string, unknown> => ({
    Driver: driver,
    Count: count,
    DeviceIDs: deviceIds,
    Capabilities: capabilities && [capabilities],
    Options: options,
  }));
  const gpus = inputs["gpus"];
  if (typeof gpus === "string") requests.push(gpuRequest(gpus));
  return requests.length > 0 ? requests.map(withoutUndefined) : undefined;
}

/** `all`, a number of GPUs, or `device=ID[,ID]`, as the `--gpus` option of Docker's CLI takes it. */
function gpuRequest(gpus: string): Record<string, unknown> {
  const Capabilities = [["gpu"]];
  if (gpus === "all") return { Driver: "", Count: -1, Capabilities };
  if (/^\d+$/.test(gpus)) return { Driver: "", Count: Number(gpus), Capabilities };
  return {
    Driver: "",
    DeviceIDs: gpus
      .replace(/^"?device=/, "")
      .replace(/"$/, "")
      .split(","),
    Capabilities,
  };
}

/** A seccomp profile is given as a file here and as its content to Docker. */
function securityOption(option: string): string {
  const file = /^seccomp[=:](.+)$/.exec(option)?.[1];
  if (file === undefined || file === "unconfined" || !existsSync(file)) return option;
  return `seccomp=${JSON.stringify(JSON.parse(readFileSync(file, "utf8")))}`;
}

/** One network attachment in Docker's form. */
export function endpoint(network: NetworkAttachment): Record<string, unknown> {
  const addresses = withoutUndefined({
    IPv4Address: network.ipv4Address || undefined,
    IPv6Address: network.ipv6Address || undefined,
    LinkLocalIPs: network.linkLocalIps?.length ? network.linkLocalIps : undefined,
  });
  return withoutUndefined({
    Aliases: network.aliases,
    IPAMConfig: Object.keys(addresses).length > 0 ? addresses : undefined,
    DriverOpts: network.driverOpts?.length ? Object.fromEntries(network.driverOpts.map(splitOption)) : undefined,
    MacAddress: network.macAddress || undefined,
    GwPriority: network.gwPriority || undefined,
  });
}

function splitOption(option: string): [string, string] {
  const at = option.indexOf("=");
  return at < 0 ? [option, ""] : [option.slice(0, at), option.slice(at + 1)];
}

/** A list whose elements the schema has checked, or nothing. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names what the schema says of the elements
function list<T>(value: unknown): T[] | undefined {
  return Array.isArray(value) ? (value as T[]) : undefined;
}
