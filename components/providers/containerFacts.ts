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

/** Arguments that tell the provider what to do and leave no trace in the container. */
export const ENGINE_ARGUMENTS: ReadonlySet<string> = new Set(["start", "mustRun", "destroyGraceSeconds"]);

/** What a container takes from its image alone. */
export const IMAGE_PROPERTIES = ["envs", "entrypoints", "command", "workingDir"] as const;

/** How each argument reads once it is a fact; an argument that is missing here is refused by name. */
const EXPECTED: { [K in keyof ContainerDeclaration]?: (declared: ContainerDeclaration) => ContainerFacts[string] } = {
  image: ({ image }) => image,
  hostname: ({ hostname = "" }) => hostname,
  user: ({ user = "" }) => user,
  restart: ({ restart = "no" }) => restart,
  memory: ({ memory = 0 }) => memory,
  memorySwap: ({ memorySwap = 0 }) => memorySwap,
  memoryReservation: ({ memoryReservation = 0 }) => memoryReservation,
  cpus: ({ cpus = "0" }) => Number(cpus),
  ulimits: ({ ulimits = [] }) => ulimits.map(({ name, soft, hard }) => `${name}=${soft}:${hard}`).sort(),
  readOnly: ({ readOnly = false }) => readOnly,
  capabilities: ({ capabilities }) => capabilityList(capabilities?.adds, capabilities?.drops),
  securityOpts: ({ securityOpts = [] }) => [...securityOpts].sort(),
  tmpfs: ({ tmpfs = {} }) => pairs(tmpfs, ":"),
  networksAdvanced: ({ networksAdvanced = [], hostname = "" }) =>
    networksAdvanced.map(({ name, aliases = [] }) => attachment(name, aliases, hostname)).sort(),
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
 * @throws Error naming an argument whose effect nobody looks at.
 */
export function expectedFacts(declared: ContainerDeclaration, image: ImageFacts): ContainerFacts {
  const facts: ContainerFacts = {};
  for (const key of Object.keys(declared) as Array<keyof ContainerDeclaration>) {
    if (ENGINE_ARGUMENTS.has(key) || key === "labels") continue;
    const expected = EXPECTED[key];
    if (!expected) {
      throw new Error(
        `the container argument "${key}" is compared with nothing in components/providers/containerFacts.ts: a change by hand would not show; add it there`,
      );
    }
    facts[key] = expected(declared);
  }
  const labels = Object.fromEntries((declared.labels ?? []).map(({ label, value }) => [label, value]));
  const fromImage: Record<(typeof IMAGE_PROPERTIES)[number], ContainerFacts[string]> = {
    envs: [...(image.Config.Env ?? [])].sort(),
    entrypoints: words(image.Config.Entrypoint),
    command: words(image.Config.Cmd),
    workingDir: image.Config.WorkingDir ?? "",
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
export function observedFacts({
  Config,
  HostConfig,
  Image,
  NetworkSettings,
  Id,
}: Docker.ContainerInspectInfo): ContainerFacts {
  const check = Config.Healthcheck;
  return {
    image: Image,
    hostname: Config.Hostname,
    user: Config.User,
    restart: HostConfig.RestartPolicy?.Name || "no",
    memory: (HostConfig.Memory ?? 0) / BYTES_PER_MIB,
    memorySwap: (HostConfig.MemorySwap ?? 0) / BYTES_PER_MIB,
    memoryReservation: (HostConfig.MemoryReservation ?? 0) / BYTES_PER_MIB,
    cpus: (HostConfig.NanoCpus ?? 0) / 1e9,
    ulimits: (HostConfig.Ulimits ?? []).map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).sort(),
    readOnly: HostConfig.ReadonlyRootfs ?? false,
    capabilities: capabilityList(HostConfig.CapAdd as Names, HostConfig.CapDrop as Names),
    securityOpts: [...((HostConfig.SecurityOpt as string[] | null) ?? [])].sort(),
    tmpfs: pairs(HostConfig.Tmpfs ?? {}, ":"),
    networksAdvanced: Object.entries(NetworkSettings.Networks)
      .map(([name, { Aliases }]) => attachment(name, (Aliases ?? []) as string[], Config.Hostname, Id))
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
    envs: [...Config.Env].sort(),
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

/** Docker adds the short id and the host name by itself; some versions list the one, the other or both as aliases. */
function attachment(network: string, aliases: readonly string[], hostname: string, id = ""): string {
  const names = new Set(aliases.filter((alias) => alias !== id.slice(0, 12)));
  return `${network} as ${[...names.add(hostname)].sort().join(", ")}`;
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
