import { isDeepStrictEqual } from "node:util";
import type { SwarmFacts } from "./inputs.ts";
import type { ServiceSpec } from "./spec.ts";

const MIB = 1024 * 1024;
const NANOS = 1e9;

/** What Docker adds by itself, and says nothing of what was asked. */
const DOCKERS_OWN = { Isolation: "default", Runtime: "container", ForceUpdate: true, DNSConfig: true } as const;

type Loose = Record<string, unknown>;

/**
 * Everything that a service's specification says, as short texts: two of them are compared property by property, whichever
 * side left out what has no value.
 */
export function factsOf(given: ServiceSpec): SwarmFacts {
  const {
    TaskTemplate: task = {},
    Mode: mode = {},
    EndpointSpec: endpoint = {},
  } = given as unknown as Record<string, Loose>;
  const container = object(task["ContainerSpec"]);
  const resources = object(task["Resources"]);
  const { Limits: limits, Reservations: reserved } = resources as Record<string, Loose>;
  const ulimits = Object.fromEntries(
    list(container["Ulimits"]).map(({ Name, Soft, Hard }) => [String(Name), `${text(Soft)}:${text(Hard)}`]),
  );
  const placement = object(task["Placement"]);
  const health = object(container["Healthcheck"]);
  const facts: SwarmFacts = {
    image: text(container["Image"]),
    replicas: mode["Global"] ? "every node" : text(object(mode["Replicated"])["Replicas"]),
    pids: text(limits?.["Pids"]),
    memory: mebibytes(limits?.["MemoryBytes"]),
    memoryReservation: mebibytes(reserved?.["MemoryBytes"]),
    cpus: cores(limits?.["NanoCPUs"]),
    cpuReservation: cores(reserved?.["NanoCPUs"]),
    reserved: list(reserved?.["GenericResources"]).map((each) => {
      const { Kind, Value } = object(each["DiscreteResourceSpec"] ?? each["NamedResourceSpec"]);
      return `${text(Value)} ${text(Kind)}`;
    }),
    nofile: ulimits["nofile"] ?? "0",
    nproc: ulimits["nproc"] ?? "0",
    user: text(container["User"]),
    hostname: text(container["Hostname"]),
    readOnly: text(container["ReadOnly"] === true),
    init: text(container["Init"] === true),
    entrypoint: words(container["Command"]),
    command: words(container["Args"]),
    capabilities: [...words(container["CapabilityAdd"], "+"), ...words(container["CapabilityDrop"], "-")],
    environment: words(container["Env"]).sort(),
    labels: pairs(container["Labels"]),
    serviceLabels: pairs(given.Labels),
    mounts: list(container["Mounts"]).map(mountText).sort(),
    secrets: list(container["Secrets"])
      .map((each) => fileText(each, "Secret"))
      .sort(),
    configs: list(container["Configs"])
      .map((each) => fileText(each, "Config"))
      .sort(),
    nameServer: [
      ...words(object(container["DNSConfig"])["Nameservers"]),
      ...words(object(container["DNSConfig"])["Options"]),
    ],
    stopGrace: seconds(container["StopGracePeriod"]),
    healthcheck: [
      ...words(health["Test"]),
      ...["Interval", "Timeout", "StartPeriod"].map((key) => `${key} ${seconds(health[key])}`),
      `Retries ${text(health["Retries"])}`,
    ],
    constraints: words(placement["Constraints"]).sort(),
    networks: list(task["Networks"])
      .map(({ Target, Aliases }) => [text(Target), ...words(Aliases).sort()].join(" "))
      .sort(),
    ports: list(endpoint["Ports"])
      .map(
        (port) =>
          `${text(port["PublishedPort"])}:${text(port["TargetPort"])}/${text(port["Protocol"])} ${text(port["PublishMode"])}`,
      )
      .sort(),
    endpointMode: text(endpoint["Mode"]),
    restart: restartText(object(task["RestartPolicy"])),
    logging: [text(object(task["LogDriver"])["Name"]), ...pairs(object(task["LogDriver"])["Options"])],
    updateConfig: updateText(object(given.UpdateConfig)),
    rollbackConfig: updateText(object(given.RollbackConfig)),
    more: [...beyond(container, KNOWN_OF_CONTAINER), ...beyond(task, KNOWN_OF_TASK)].sort(),
  };
  return facts;
}

/** Of every property that differs, what was found. */
export function differences(expected: SwarmFacts, found: SwarmFacts): SwarmFacts {
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
  const differing = keys.filter((key) => !isDeepStrictEqual(expected[key], found[key]));
  return Object.fromEntries(
    differing.map((key) => [key, withoutForeignValues(key, expected[key], found[key] ?? "nothing")]),
  );
}

/** A variable that somebody added may hold a secret: its name is enough. */
function withoutForeignValues(
  key: string,
  expected: string | string[] | undefined,
  found: string | string[],
): string | string[] {
  if (key !== "environment" || typeof found === "string") return found;
  const known = new Set(expected);
  return found.map((variable) => (known.has(variable) ? variable : `${variable.split("=")[0] ?? ""}=…`));
}

const KNOWN_OF_CONTAINER = new Set([
  ...["Image", "Hostname", "User", "ReadOnly", "Init", "Command", "Args", "CapabilityAdd", "CapabilityDrop", "Env"],
  ...["Labels", "Mounts", "Secrets", "Configs", "StopGracePeriod", "Healthcheck", "Ulimits"],
]);
const KNOWN_OF_TASK = new Set([
  ...["ContainerSpec", "Resources", "Placement", "Networks", "RestartPolicy", "LogDriver"],
]);

/** What somebody has set that is not declared at all: kernel settings, hosts, groups, privileges… */
function beyond(given: Loose, known: ReadonlySet<string>): string[] {
  return Object.entries(given)
    .filter(([key, value]) => !known.has(key) && !isNothing(value) && !isDockersOwn(key, value))
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`);
}

function isDockersOwn(key: string, value: unknown): boolean {
  const own = (DOCKERS_OWN as Record<string, unknown>)[key];
  return own === true || (own !== undefined && own === value);
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === "" || value === false) return true;
  return typeof value === "object" && Object.values(value).every(isNothing);
}

function object(value: unknown): Loose {
  return (value ?? {}) as Loose;
}

function list(value: unknown): Loose[] {
  return (value ?? []) as Loose[];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : String((value as number | boolean | undefined) ?? 0);
}

function words(value: unknown, before = ""): string[] {
  return ((value ?? []) as string[]).map((word) => `${before}${word}`);
}

function pairs(value: unknown): string[] {
  return Object.entries(object(value))
    .map(([key, each]) => `${key}=${text(each)}`)
    .sort();
}

function mebibytes(value: unknown): string {
  return `${Number(value ?? 0) / MIB} MiB`;
}

function cores(value: unknown): string {
  return String(Number(value ?? 0) / NANOS);
}

function seconds(value: unknown): string {
  return `${Number(value ?? 0) / NANOS} s`;
}

function mountText({ Type, Source, Target, ReadOnly, TmpfsOptions }: Loose): string {
  const { SizeBytes, Mode } = object(TmpfsOptions);
  const scratch = Type === "tmpfs" ? ` ${mebibytes(SizeBytes)} ${Number(Mode ?? 0).toString(8)}` : "";
  return `${text(Type)} ${text(Source ?? "")}:${text(Target)}${ReadOnly === true ? " ro" : ""}${scratch}`;
}

/** Without its id: the same content under another name is another object. */
function fileText(each: Loose, kind: "Secret" | "Config"): string {
  const { Name, UID, GID, Mode } = object(each["File"]);
  return `${text(each[`${kind}Name`])} ${text(Name)} ${text(UID)}:${text(GID)} ${Number(Mode ?? 0).toString(8)}`;
}

function restartText({ Condition, Delay, MaxAttempts }: Loose): string {
  return `${text(Condition)} after ${seconds(Delay)}, at most ${text(MaxAttempts)}`;
}

function updateText({ Parallelism, Delay, FailureAction, Monitor, MaxFailureRatio, Order }: Loose): string {
  return `${text(Parallelism)} at a time, ${text(Order)}, delay ${seconds(Delay)}, watched ${seconds(Monitor)}, on failure ${text(FailureAction)} above ${text(MaxFailureRatio)}`;
}
