import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type docker from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type Docker from "dockerode";

/** The docker provider's own arguments, as the target declares them. */
export type ContainerDeclaration = Unwrap<docker.ContainerArgs>;

/** Property, by the provider's name → value in a form that both sides come to: lists sorted, memory in MiB. */
export type ContainerFacts = Record<string, string | number | boolean | string[]>;

/** What a container takes from its image. */
export interface ImageFacts {
  Id: string;
  Config: {
    Env?: string[] | null;
    Entrypoint?: string | string[] | null;
    Cmd?: string[] | null;
    WorkingDir?: string;
    Labels?: Record<string, string> | null;
  };
}

const BYTES_PER_MIB = 1024 * 1024;

/** Declared ones come over the image's own. */
const MERGED: ReadonlySet<string> = new Set(["labels", "envs", "entrypoints", "command", "workingDir"]);

/** Arguments that tell the provider what to do and leave no trace in the container. */
export const ENGINE_ARGUMENTS: ReadonlySet<string> = new Set([
  "start",
  "mustRun",
  "destroyGraceSeconds",
  "removeVolumes",
]);

/** What a container takes from its image unless it is declared; of a server nothing of it is. */
export const IMAGE_PROPERTIES = ["envs", "entrypoints", "command", "workingDir"] as const;

/** Where Docker puts a container that joins no other network. */
const DEFAULT_NETWORK: { name: string; aliases?: string[]; ipv4Address?: string } = { name: "bridge" };

/** How each argument reads once it is a fact; an argument that is missing here is refused by name. */
const EXPECTED: { [K in keyof ContainerDeclaration]?: (declared: ContainerDeclaration) => ContainerFacts[string] } = {
  image: ({ image }) => image,
  name: ({ name = "" }) => name,
  hostname: ({ hostname = "" }) => hostname,
  user: ({ user = "" }) => user,
  restart: ({ restart = "no" }) => restart,
  memory: ({ memory = 0 }) => memory,
  memorySwap: ({ memorySwap = 0 }) => memorySwap,
  memoryReservation: ({ memoryReservation = 0 }) => memoryReservation,
  cpus: ({ cpus = "0" }) => Number(cpus),
  ulimits: ({ ulimits = [] }) => ulimits.map(({ name, soft, hard }) => `${name}=${soft}:${hard}`).sort(),
  readOnly: ({ readOnly = false }) => readOnly,
  init: ({ init = false }) => init,
  shmSize: ({ shmSize = 0 }) => shmSize,
  stopTimeout: ({ stopTimeout = 0 }) => stopTimeout,
  dns: ({ dns = [] }) => [...dns].sort(),
  dnsOpts: ({ dnsOpts = [] }) => [...dnsOpts].sort(),
  hosts: ({ hosts = [] }) => hosts.map(({ host, ip }) => `${host}:${ip}`).sort(),
  capabilities: ({ capabilities }) => capabilityList(capabilities?.adds, capabilities?.drops),
  securityOpts: ({ securityOpts = [] }) => securityOpts.map(withProfile).sort(),
  tmpfs: ({ tmpfs = {} }) => pairs(tmpfs, ":"),
  networksAdvanced: ({ networksAdvanced = [], hostname = "" }) =>
    (networksAdvanced.length > 0 ? networksAdvanced : [DEFAULT_NETWORK])
      .map(({ name, aliases = [], ipv4Address }) => attachment(name, aliases, hostname, ipv4Address))
      .sort(),
  ports: ({ ports = [] }) =>
    ports
      .map(({ ip, external, internal, protocol }) => published(ip, external, `${internal}/${protocol ?? "tcp"}`))
      .sort(),
  volumes: ({ volumes = [] }) =>
    volumes
      .map(({ volumeName, hostPath, containerPath, readOnly }) =>
        [volumeName ?? hostPath, containerPath, readOnly ? "ro" : "rw"].join(":"),
      )
      .sort(),
  healthcheck: ({ healthcheck: check }) =>
    healthFacts(check?.tests, check?.retries, [check?.interval, check?.timeout, check?.startPeriod].map(seconds)),
  logDriver: ({ logDriver = "" }) => logDriver,
  logOpts: ({ logOpts = {} }) => pairs(logOpts, "="),
};

/**
 * What Docker must say of a container with this declaration.
 * @param secretEnv variables whose values must not stand in a fact.
 * @throws Error naming an argument whose effect nobody looks at.
 */
export function expectedFacts(
  declared: ContainerDeclaration,
  image: ImageFacts,
  secretEnv: SecretEnv = {},
): ContainerFacts {
  const facts: ContainerFacts = {};
  for (const key of Object.keys(declared) as Array<keyof ContainerDeclaration>) {
    if (ENGINE_ARGUMENTS.has(key) || MERGED.has(key)) continue;
    const expected = EXPECTED[key];
    if (!expected) {
      throw new Error(
        `the container argument "${key}" is compared with nothing in components/providers/containerFacts.ts: a change by hand would not show; add it there`,
      );
    }
    facts[key] = expected(declared);
  }
  const labels = Object.fromEntries((declared.labels ?? []).map(({ label, value }) => [label, value]));
  const { entrypoints, command, workingDir } = declared;
  const fromImage: Record<(typeof IMAGE_PROPERTIES)[number], ContainerFacts[string]> = {
    envs: mergedEnv(image.Config.Env ?? [], declared.envs ?? [], secretEnv),
    entrypoints: words(entrypoints ?? image.Config.Entrypoint),
    // An entrypoint of its own takes the image's command away.
    command: words(command ?? (entrypoints ? [] : image.Config.Cmd)),
    workingDir: workingDir ?? image.Config.WorkingDir ?? "",
  };
  return {
    ...facts,
    ...fromImage,
    image: image.Id,
    labels: pairs({ ...image.Config.Labels, ...labels }, "="),
    // Declared by nobody, and a way out.
    privileged: false,
    devices: [],
    pidMode: "",
  };
}

/** The same properties as Docker has them now. */
export function observedFacts(
  { Config, HostConfig, Image, Name, NetworkSettings, Id }: Docker.ContainerInspectInfo,
  secretEnv: SecretEnv = {},
): ContainerFacts {
  const check = Config.Healthcheck;
  // What Docker invents where none is declared.
  const hostname = Id.startsWith(Config.Hostname) ? "" : Config.Hostname;
  return {
    image: Image,
    name: Name.slice(1),
    hostname: Config.Hostname,
    user: Config.User,
    restart: HostConfig.RestartPolicy?.Name || "no",
    memory: (HostConfig.Memory ?? 0) / BYTES_PER_MIB,
    memorySwap: (HostConfig.MemorySwap ?? 0) / BYTES_PER_MIB,
    memoryReservation: (HostConfig.MemoryReservation ?? 0) / BYTES_PER_MIB,
    cpus: (HostConfig.NanoCpus ?? 0) / 1e9,
    ulimits: (HostConfig.Ulimits ?? []).map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).sort(),
    readOnly: HostConfig.ReadonlyRootfs ?? false,
    init: HostConfig.Init ?? false,
    shmSize: (HostConfig.ShmSize ?? 0) / BYTES_PER_MIB,
    stopTimeout: (Config as { StopTimeout?: number }).StopTimeout ?? 0,
    dns: [...((HostConfig.Dns as string[] | null | undefined) ?? [])].sort(),
    dnsOpts: [...((HostConfig.DnsOptions as string[] | null | undefined) ?? [])].sort(),
    hosts: [...((HostConfig.ExtraHosts as string[] | null) ?? [])].sort(),
    capabilities: capabilityList(HostConfig.CapAdd as Names, HostConfig.CapDrop as Names),
    securityOpts: ((HostConfig.SecurityOpt as string[] | null) ?? []).map(withProfile).sort(),
    tmpfs: pairs(HostConfig.Tmpfs ?? {}, ":"),
    networksAdvanced: Object.entries(NetworkSettings.Networks)
      .map(([name, network]) => attachment(name, ownAliases(network.Aliases, Id), hostname, fixedAddress(network)))
      .sort(),
    ports: Object.entries((HostConfig.PortBindings ?? {}) as Docker.PortMap)
      .flatMap(([inside, bindings]) =>
        bindings.map(({ HostIp, HostPort }) => published(HostIp, Number(HostPort), inside)),
      )
      .sort(),
    volumes: (HostConfig.Binds ?? []).map((bind) => (/:r[ow]$/.test(bind) ? bind : `${bind}:rw`)).sort(),
    healthcheck: healthFacts(
      check?.Test,
      check?.Retries,
      [check?.Interval, check?.Timeout, check?.StartPeriod].map((nano) => (nano ?? 0) / 1e9),
    ),
    logDriver: HostConfig.LogConfig?.Type ?? "",
    logOpts: pairs((HostConfig.LogConfig?.Config ?? {}) as Record<string, string>, "="),
    labels: pairs(Config.Labels, "="),
    // null, whatever the types say, where neither the image nor anybody else gives one.
    envs: ((Config.Env as string[] | null) ?? []).map((variable) => masked(variable, secretEnv)).sort(),
    entrypoints: words(Config.Entrypoint),
    command: words(Config.Cmd),
    workingDir: Config.WorkingDir,
    privileged: HostConfig.Privileged ?? false,
    devices: ((HostConfig.Devices ?? []) as Array<{ PathOnHost: string }>).map(({ PathOnHost }) => PathOnHost).sort(),
    pidMode: HostConfig.PidMode ?? "",
  };
}

function pairs(map: Readonly<Record<string, string>>, separator: string): string[] {
  return Object.entries(map)
    .map(([key, value]) => `${key}${separator}${value}`)
    .sort();
}

function words(command: string | readonly string[] | null | undefined): string[] {
  return typeof command === "string" ? [command] : [...(command ?? [])];
}

type Names = readonly string[] | null | undefined;

/** With and without CAP_ in front Docker means the same. */
function capabilityList(adds: Names, drops: Names): string[] {
  const name = (capability: string) => capability.replace(/^CAP_/, "");
  return [...(adds ?? []).map((each) => `+${name(each)}`), ...(drops ?? []).map((each) => `-${name(each)}`)].sort();
}

/** Some versions of Docker list the host name as an alias, some do not. */
function attachment(network: string, aliases: readonly string[], hostname: string, address = ""): string {
  const names = new Set([...aliases, ...(hostname ? [hostname] : [])]);
  return `${network} as ${[...names].sort().join(", ")}${address ? ` at ${address}` : ""}`;
}

/** Docker adds the short id by itself. */
function ownAliases(aliases: unknown, id: string): string[] {
  return ((aliases ?? []) as string[]).filter((alias) => alias !== id.slice(0, 12));
}

/** An address that was asked for, not one that Docker chose. */
function fixedAddress({ IPAMConfig }: Docker.EndpointSettings): string | undefined {
  return (IPAMConfig as { IPv4Address?: string } | null | undefined)?.IPv4Address;
}

type SecretEnv = Readonly<Record<string, string>>;

const variableName = (variable: string): string => variable.slice(0, variable.indexOf("="));

/** The image's variables under the declared ones. */
function mergedEnv(image: readonly string[], declared: readonly string[], secretEnv: SecretEnv): string[] {
  const secret = Object.entries(secretEnv).map(([name, value]) => masked(`${name}=${value}`, secretEnv));
  const own = [...declared, ...secret];
  const names = new Set(own.map(variableName));
  return [...image.filter((variable) => !names.has(variableName(variable))), ...own].sort();
}

/** Whether a secret variable has its value, without telling it. */
function masked(variable: string, secretEnv: SecretEnv): string {
  const name = variableName(variable);
  const declared = secretEnv[name];
  if (declared === undefined) return variable;
  return variable === `${name}=${declared}` ? `${name}=(secret)` : `${name}=(another value)`;
}

function published(ip = "0.0.0.0", external: number | undefined, inside: string): string {
  return `${ip}:${external ?? 0}->${inside}`;
}

function healthFacts(
  tests: readonly string[] | undefined,
  retries: number | undefined,
  [interval = 0, timeout = 0, startPeriod = 0]: readonly number[],
): string[] {
  const figures = { interval: `${interval}s`, timeout: `${timeout}s`, startPeriod: `${startPeriod}s` };
  return [`test=${(tests ?? []).join(" ")}`, `retries=${retries ?? 0}`, ...pairs(figures, "=")];
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

/** Seconds of a duration such as 1m30s. */
function seconds(text = "0s"): number {
  let total = 0;
  for (const [, figure, unit = ""] of text.matchAll(/([\d.]+)(h|ms|m|s)/g))
    total += Number(figure) * (UNIT_SECONDS[unit] ?? 0);
  return total;
}

/** A profile of system calls is declared as a file and Docker has what it held: of both the content's digest is the fact. */
function withProfile(option: string): string {
  const given = /^seccomp[=:]([^]+)$/.exec(option)?.[1];
  if (given === undefined || given === "unconfined") return option;
  const content = given.trimStart().startsWith("{") ? given : readFileSync(given, "utf8");
  const digest = createHash("sha256")
    .update(JSON.stringify(JSON.parse(content)))
    .digest("hex");
  return `seccomp=sha256:${digest.slice(0, 12)}`;
}
