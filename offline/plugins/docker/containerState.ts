import type Docker from "dockerode";
import { filled } from "../bridged/schema.ts";
import { bridged } from "../bridged/state.ts";
import { sameValue } from "../values.ts";
import type { Value, ValueMap } from "../values.ts";
import { BYTES_PER_MIB, containerInputs } from "./containerOptions.ts";
import { goDuration, nanoCpus, nanoseconds } from "./units.ts";
import type { NetworkAttachment } from "./containerOptions.ts";
import { dockerProperties } from "./properties.ts";

/** What the official plugin keeps in `__meta`: its schema version and its time limits in nanoseconds. */
const META = {
  "e2bfb730-ecaa-11e6-8f88-34363bc7c4c0": {
    create: 1_200_000_000_000,
    delete: 1_200_000_000_000,
    update: 1_200_000_000_000,
  },
  schema_version: "2",
};

/** The parts of Docker's answer that the types of dockerode lack. */
interface MoreHostConfig extends Docker.HostConfig {
  CpusetCpus?: string;
}

/**
 * Outputs right after a create or update: what is declared, and what Docker has added to it. What the official plugin
 * only pretends to update stands as declared here; the next refresh tells the truth.
 */
export function declaredState(found: Docker.ContainerInspectInfo, inputs: ValueMap): ValueMap {
  return bridged(merged(found, inputs), inputs, dockerProperties.container, META);
}

/** Outputs as Docker has them now, for a refresh: everything that can differ from what was declared is looked up. */
export function observedState(found: Docker.ContainerInspectInfo, inputs: ValueMap): ValueMap {
  const { HostConfig: host, Config: config } = found;
  const outputs = merged(found, inputs);
  outputs["restart"] = host.RestartPolicy?.Name || "no";
  outputs["rm"] = host.AutoRemove ?? false;
  outputs["healthcheck"] = healthcheckOf(config.Healthcheck, inputs["healthcheck"]) ?? outputs["healthcheck"] ?? null;
  if (config.Healthcheck === undefined) outputs["healthcheck"] = null;
  outputs["tmpfs"] = mapOrNull(host.Tmpfs);
  if (inputs["init"] !== undefined) outputs["init"] = host.Init ?? false;
  if (inputs["mustRun"] === true) outputs["mustRun"] = found.State.Running;
  if (inputs["cpuPeriod"] !== undefined) outputs["cpuPeriod"] = host.CpuPeriod ?? 0;
  if (inputs["cpuQuota"] !== undefined || (host.CpuQuota ?? 0) > 0) outputs["cpuQuota"] = host.CpuQuota ?? 0;
  return bridged(outputs, inputs, dockerProperties.container, META);
}

/** State of a container that exists but failed to come up: what was declared, nothing that Docker adds. */
export function failedState(inputs: ValueMap): ValueMap {
  const outputs = filled(inputs, dockerProperties.container);
  for (const list of ["envs", "securityOpts"]) outputs[list] ??= [];
  outputs["networkDatas"] = null;
  return bridged(outputs, inputs, dockerProperties.container, META);
}

function merged(found: Docker.ContainerInspectInfo, inputs: ValueMap): ValueMap {
  const { HostConfig, Config: config, State: state } = found;
  const host: MoreHostConfig = HostConfig;
  const declared = filled(inputs, dockerProperties.container);
  return {
    ...declared,
    id: found.Id,
    name: found.Name.replace(/^\//, ""),
    bridge: (found.NetworkSettings as { Bridge?: string }).Bridge ?? "",
    command: config.Cmd ?? [],
    containerLogs: null,
    cpus: observedCpus(host.NanoCpus ?? 0, inputs["cpus"]),
    cpuSet: host.CpusetCpus ?? "",
    cpuShares: host.CpuShares ?? 0,
    domainname: config.Domainname ?? "",
    entrypoints: typeof config.Entrypoint === "string" ? [config.Entrypoint] : (config.Entrypoint ?? []),
    envs: declared["envs"] ?? [],
    exitCode: state.Status === "exited" || state.Status === "dead" ? state.ExitCode : null,
    healthcheck: declared["healthcheck"] ?? healthcheckOf(config.Healthcheck, undefined) ?? null,
    hostname: config.Hostname,
    init: inputs["init"] ?? host.Init ?? false,
    ipcMode: host.IpcMode ?? "",
    labels: declared["labels"] ?? [],
    logDriver: host.LogConfig?.Type ?? "",
    maxRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    memory: mebibytes(host.Memory),
    memoryReservation: mebibytes(host.MemoryReservation),
    memorySwap: mebibytes(host.MemorySwap),
    networkDatas: networkDatas(found),
    networksAdvanced: attachments(found, inputs),
    platform: inputs["platform"] ?? (found as { Platform?: string }).Platform ?? "linux",
    ports: ports(found, declared["ports"]),
    privileged: host.Privileged ?? false,
    publishAllPorts: host.PublishAllPorts ?? false,
    runtime: host.Runtime ?? "",
    securityOpts: declared["securityOpts"] ?? (host.SecurityOpt as string[] | null) ?? [],
    shmSize: mebibytes(host.ShmSize),
    stopSignal: inputs["stopSignal"] ?? (config as { StopSignal?: string }).StopSignal ?? "",
    stopTimeout: (config as { StopTimeout?: number }).StopTimeout ?? 0,
    user: inputs["user"] ?? "",
    usernsMode: host.UsernsMode ?? "",
    workingDir: inputs["workingDir"] ?? "",
  };
}

/** MiB; not rounded, so that a limit changed by hand to a part of one shows. -1 (no limit) stays. */
function mebibytes(bytes: number | undefined): number {
  return bytes === undefined || bytes < 0 ? (bytes ?? 0) : bytes / BYTES_PER_MIB;
}

/** The declared text while it means what Docker has ("0.5" and "0.50" are the same), else Docker's. */
function observedCpus(nano: number, declared: Value | undefined): Value {
  if (typeof declared === "string" && nanoCpus(declared) === nano) return declared;
  return nano === 0 ? null : String(nano / 1e9);
}

function mapOrNull(map: Record<string, string> | null | undefined): Value {
  return map === null || map === undefined || Object.keys(map).length === 0 ? null : map;
}

/** Docker's health check in the SDK's form, durations as declared where they mean the same. */
export function healthcheckOf(
  found: Docker.HealthConfig | undefined,
  declared: Value | undefined,
): ValueMap | undefined {
  if (found === undefined) return undefined;
  const wanted = (declared ?? {}) as Record<string, Value>;
  const duration = (nano: number | undefined, name: string): string => {
    const text = wanted[name];
    return typeof text === "string" && nanoseconds(text) === (nano ?? 0) ? text : goDuration(nano ?? 0);
  };
  return {
    interval: duration(found.Interval, "interval"),
    retries: found.Retries ?? 0,
    startInterval: duration((found as { StartInterval?: number }).StartInterval, "startInterval"),
    startPeriod: duration(found.StartPeriod, "startPeriod"),
    tests: found.Test ?? [],
    timeout: duration(found.Timeout, "timeout"),
  };
}

function networkDatas(found: Docker.ContainerInspectInfo): Value {
  return Object.entries(found.NetworkSettings.Networks)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([networkName, network]) => ({
      gateway: network.Gateway,
      globalIpv6Address: network.GlobalIPv6Address,
      globalIpv6PrefixLength: network.GlobalIPv6PrefixLen,
      ipAddress: network.IPAddress,
      ipPrefixLength: network.IPPrefixLen,
      ipv6Gateway: network.IPv6Gateway,
      macAddress: network.MacAddress,
      networkName,
    }));
}

/**
 * The networks the container is attached to, in the declared form where they agree with it: one that was disconnected
 * by hand is missing, one that was connected by hand stands at the end, changed aliases show.
 */
function attachments(found: Docker.ContainerInspectInfo, inputs: ValueMap): Value {
  const declared = containerInputs(inputs).networksAdvanced ?? [];
  const shape = (list: NetworkAttachment[]) =>
    filled({ networksAdvanced: list } as unknown as ValueMap, dockerProperties.container)["networksAdvanced"] ?? [];
  const attached = Object.entries(found.NetworkSettings.Networks);
  const kept: NetworkAttachment[] = [];
  for (const wanted of declared) {
    const match = attached.find(([name, network]) => name === wanted.name || network.NetworkID === wanted.name);
    if (match !== undefined) kept.push(withObservedAliases(wanted, match[1], found));
  }
  const mode = found.HostConfig.NetworkMode ?? "default";
  const expected = declared.length > 0 ? [] : [mode === "default" ? "bridge" : mode];
  const isExpected = (name: string, id: string) =>
    expected.some((entry) => entry === name || entry === id) ||
    declared.some((wanted) => wanted.name === name || wanted.name === id);
  const extra = attached.filter(([name, network]) => !isExpected(name, network.NetworkID)).map(([name]) => ({ name }));
  return shape([...kept, ...extra]);
}

function withObservedAliases(
  wanted: NetworkAttachment,
  network: Docker.EndpointSettings,
  found: Docker.ContainerInspectInfo,
): NetworkAttachment {
  const declared = wanted.aliases ?? [];
  // Docker adds the short id and the host name by itself; newer versions list them apart.
  const own = [found.Id.slice(0, 12), found.Config.Hostname].filter((name) => !declared.includes(name));
  const aliases = (network.Aliases ?? []).filter((alias) => !own.includes(alias));
  return sameValue([...aliases].sort(), [...new Set(declared)].sort()) ? wanted : { ...wanted, aliases };
}

/** Declared ports with the external ones that Docker chose; a container that is down has none of these. */
function ports(found: Docker.ContainerInspectInfo, declared: Value | undefined): Value {
  const list = Array.isArray(declared)
    ? (declared as { internal: number; external: number | null; ip: string; protocol: string }[])
    : [];
  return list.map((port) => {
    if (port.external) return port;
    const bound = found.NetworkSettings.Ports?.[`${port.internal}/${port.protocol}`]?.[0]?.HostPort;
    return { ...port, external: bound === undefined ? null : Number(bound) };
  });
}
