import { elementProperties, emptyValue, type Properties, type Property } from "../bridged/schema.ts";
import { bridged, withoutDefaults } from "../bridged/state.ts";
import { isMap, type Value, type ValueMap } from "../values.ts";
import { dockerProperties, labelList } from "./properties.ts";
import { goDuration } from "./units.ts";

const PROPERTIES = dockerProperties.service;
const META = { schema_version: "2" };

/** Parts of what Docker tells of a service, all of which may be missing. */
type Block = Record<string, unknown>;

export interface FoundService {
  ID: string;
  Version: { Index: number };
  Spec: Block & { Name: string; Labels?: Record<string, string> };
  UpdateStatus?: { State: string; StartedAt?: string; Message?: string };
}

/** State after a create or update: as it was declared, and where the program says nothing, as Docker has it. */
export function declaredState(found: FoundService, inputs: ValueMap): ValueMap {
  const declared = withoutDefaults(inputs) as ValueMap;
  const outputs = overlaid(declared, observed(found), PROPERTIES);
  return bridged({ ...outputs, id: found.ID }, inputs, PROPERTIES, META);
}

/** State as Docker has it; of what Docker does not keep, as it was before. */
export function observedState(found: FoundService, declared: ValueMap): ValueMap {
  const { auth = null, convergeConfig = null } = withoutDefaults(declared) as ValueMap;
  return bridged({ ...observed(found), auth, convergeConfig, id: found.ID }, declared, PROPERTIES, META);
}

function overlaid(declared: ValueMap, found: ValueMap, properties: Properties): ValueMap {
  const entries = Object.entries(properties).map(([name, property]) => [
    name,
    overlaidValue(declared[name], found[name] ?? null, property),
  ]);
  return Object.fromEntries(entries) as ValueMap;
}

function overlaidValue(declared: Value | undefined, found: Value, property: Property): Value {
  if (declared === undefined || declared === null) return found ?? property.default ?? emptyValue(property);
  const fields = elementProperties(property);
  if (fields === undefined) return declared;
  // Within a declared block the plugin fills in what is not set, and does not look at what Docker has.
  if (isMap(declared)) return withinBlock(declared, isMap(found) ? found : {}, fields);
  return Array.isArray(declared) ? declared.map((each) => (isMap(each) ? element(each, fields) : each)) : declared;
}

/** A block that is there once: what the plugin may fill in is as Docker has it, all else empty. */
function withinBlock(declared: ValueMap, found: ValueMap, fields: Properties): ValueMap {
  const entries = Object.entries(fields).map(([name, field]) => {
    const given = declared[name];
    if (given !== undefined && given !== null) return [name, overlaidValue(given, found[name] ?? null, field)];
    if (field.computed) return [name, found[name] ?? null];
    return [name, notSet(field)];
  });
  return Object.fromEntries(entries) as ValueMap;
}

/** An element of a list or set. */
function element(declared: ValueMap, fields: Properties): ValueMap {
  const entries = Object.entries(fields).map(([name, field]) => {
    const given = declared[name];
    if (given === undefined || given === null) {
      const isList = field.kind === "list" || field.kind === "set";
      return [name, field.default ?? (field.kind === "string" ? "" : isList ? [] : null)];
    }
    const inner = elementProperties(field);
    return [name, inner && isMap(given) ? element(given, inner) : given];
  });
  return Object.fromEntries(entries) as ValueMap;
}

function notSet(field: Property): Value {
  if (field.default !== undefined) return field.default;
  if (field.kind === "string") return "";
  if (field.kind === "bool") return false;
  if (field.kind === "int") return 0;
  return emptyValue(field);
}

function observed({ Spec }: FoundService): ValueMap {
  const task = block(Spec["TaskTemplate"]);
  const mode = block(Spec["Mode"]);
  const endpoint = block(Spec["EndpointSpec"]);
  return {
    auth: null,
    convergeConfig: null,
    name: Spec.Name,
    labels: labelList(Spec.Labels),
    mode: mode["Global"]
      ? { global: true, replicated: null }
      : { global: false, replicated: { replicas: number(block(mode["Replicated"])["Replicas"]) } },
    endpointSpec: {
      mode: string(endpoint["Mode"] ?? "vip"),
      ports: list(endpoint["Ports"]).map((port) => ({
        name: string(port["Name"]),
        protocol: string(port["Protocol"] ?? "tcp"),
        publishMode: string(port["PublishMode"] ?? "ingress"),
        publishedPort: number(port["PublishedPort"]),
        targetPort: number(port["TargetPort"]),
      })),
    },
    updateConfig: updateOf(Spec["UpdateConfig"]),
    rollbackConfig: updateOf(Spec["RollbackConfig"]),
    taskSpec: taskOf(task),
  };
}

function taskOf(task: Block): ValueMap {
  const placement = block(task["Placement"]);
  const restart = block(task["RestartPolicy"]);
  const log = task["LogDriver"] as Block | undefined;
  return {
    containerSpec: containerOf(block(task["ContainerSpec"])),
    forceUpdate: number(task["ForceUpdate"]),
    logDriver: log ? { name: string(log["Name"]), options: (log["Options"] ?? null) as Value } : null,
    networksAdvanceds: list(task["Networks"]).map(({ Target, Aliases, DriverOpts }) => ({
      aliases: strings(Aliases) ?? [],
      driverOpts: Object.entries(block(DriverOpts)).map(([name, value]) => `${name}=${string(value)}`),
      id: string(Target),
      name: "",
    })),
    placement: {
      constraints: strings(placement["Constraints"]) ?? [],
      maxReplicas: number(placement["MaxReplicas"]),
      platforms: list(placement["Platforms"]).map(({ OS, Architecture }) => ({
        architecture: string(Architecture),
        os: string(OS),
      })),
      prefs: list(placement["Preferences"]).map(({ Spread }) => string(block(Spread)["SpreadDescriptor"])),
    },
    resources: {
      limits: amounts(block(task["Resources"])["Limits"]),
      reservation: reserved(block(task["Resources"])["Reservations"]),
    },
    restartPolicy: {
      condition: string(restart["Condition"] ?? "any"),
      delay: timeOrNone(restart["Delay"]),
      maxAttempts: number(restart["MaxAttempts"]),
      window: timeOrNone(restart["Window"]),
    },
    runtime: string(task["Runtime"] ?? "container"),
  };
}

function containerOf(spec: Block): ValueMap {
  const dns = block(spec["DNSConfig"]);
  const health = block(spec["Healthcheck"]);
  return {
    args: strings(spec["Args"]),
    capAdds: strings(spec["CapabilityAdd"]),
    capDrops: strings(spec["CapabilityDrop"]),
    commands: strings(spec["Command"]),
    configs: files(spec["Configs"], "Config"),
    dir: string(spec["Dir"]),
    dnsConfig: {
      nameservers: strings(dns["Nameservers"]),
      options: strings(dns["Options"]),
      searches: strings(dns["Search"]),
    },
    env: spec["Env"] ? pairs(spec["Env"] as string[]) : null,
    groups: strings(spec["Groups"]),
    healthcheck: {
      interval: time(health["Interval"]),
      retries: number(health["Retries"]),
      startPeriod: time(health["StartPeriod"]),
      tests: strings(health["Test"]) ?? [],
      timeout: time(health["Timeout"]),
    },
    hostname: string(spec["Hostname"]),
    hosts: (strings(spec["Hosts"]) ?? []).map((text) => ({
      host: text.split(" ")[1] ?? "",
      ip: text.split(" ")[0] ?? "",
    })),
    image: string(spec["Image"]),
    init: spec["Init"] === true,
    isolation: string(spec["Isolation"] ?? "default"),
    labels: labelList(spec["Labels"] as Record<string, string> | undefined),
    mounts: list(spec["Mounts"]).map(mountOf),
    privileges: privilegesOf(spec["Privileges"]),
    readOnly: spec["ReadOnly"] === true,
    secrets: files(spec["Secrets"], "Secret"),
    stopGracePeriod: time(spec["StopGracePeriod"]),
    stopSignal: string(spec["StopSignal"]),
    sysctl: (spec["Sysctls"] ?? null) as Value,
    user: string(spec["User"]),
  };
}

function mountOf({ Type, Source, Target, ReadOnly, BindOptions, VolumeOptions, TmpfsOptions }: Block): ValueMap {
  const [bind, volume, tmpfs] = [BindOptions, VolumeOptions, TmpfsOptions] as (Block | undefined)[];
  const driver = block(volume?.["DriverConfig"]);
  return {
    bindOptions: bind ? { propagation: string(bind["Propagation"]) } : null,
    readOnly: ReadOnly === true,
    source: string(Source),
    target: string(Target),
    tmpfsOptions: tmpfs ? { mode: number(tmpfs["Mode"]), sizeBytes: number(tmpfs["SizeBytes"]) } : null,
    type: string(Type),
    volumeOptions: volume
      ? {
          driverName: string(driver["Name"]),
          driverOptions: (driver["Options"] ?? null) as Value,
          labels: labelList(volume["Labels"] as Record<string, string> | undefined),
          noCopy: volume["NoCopy"] === true,
        }
      : null,
  };
}

function privilegesOf(value: unknown): Value {
  if (!value) return null;
  const { CredentialSpec, SELinuxContext } = value as Record<string, Block | undefined>;
  if (!CredentialSpec && !SELinuxContext) return null;
  return {
    credentialSpec: CredentialSpec
      ? { file: string(CredentialSpec["File"]), registry: string(CredentialSpec["Registry"]) }
      : null,
    seLinuxContext: SELinuxContext
      ? {
          disable: SELinuxContext["Disable"] === true,
          level: string(SELinuxContext["Level"]),
          role: string(SELinuxContext["Role"]),
          type: string(SELinuxContext["Type"]),
          user: string(SELinuxContext["User"]),
        }
      : null,
  };
}

function files(value: unknown, kind: "Secret" | "Config"): ValueMap[] {
  const key = kind.toLowerCase();
  return list(value).map((each) => {
    const { Name, UID, GID, Mode } = block(each["File"]);
    return {
      [`${key}Id`]: string(each[`${kind}ID`]),
      [`${key}Name`]: string(each[`${kind}Name`]),
      fileGid: string(GID ?? "0"),
      fileMode: number(Mode),
      fileName: string(Name),
      fileUid: string(UID ?? "0"),
    };
  });
}

function amounts(value: unknown): Value {
  const { MemoryBytes, NanoCPUs } = block(value);
  return MemoryBytes || NanoCPUs ? { memoryBytes: number(MemoryBytes), nanoCpus: number(NanoCPUs) } : null;
}

function reserved(value: unknown): Value {
  const generic = list(block(value)["GenericResources"]);
  const base = amounts(value);
  if (base === null && generic.length === 0) return null;
  const of = (key: string) =>
    generic.flatMap((each) =>
      each[key] ? [`${string(block(each[key])["Kind"])}=${string(block(each[key])["Value"])}`] : [],
    );
  const genericResources =
    generic.length === 0
      ? null
      : { discreteResourcesSpecs: of("DiscreteResourceSpec"), namedResourcesSpecs: of("NamedResourceSpec") };
  return { memoryBytes: 0, nanoCpus: 0, ...(base as ValueMap | null), genericResources };
}

function updateOf(value: unknown): Value {
  if (!value) return null;
  const config = value as Block;
  const ratio = number(config["MaxFailureRatio"]);
  return {
    delay: time(config["Delay"]),
    failureAction: string(config["FailureAction"]),
    maxFailureRatio: Number.isInteger(ratio) ? ratio.toFixed(1) : String(ratio),
    monitor: time(config["Monitor"]),
    order: string(config["Order"]),
    parallelism: number(config["Parallelism"]),
  };
}

function block(value: unknown): Block {
  return (value ?? {}) as Block;
}

function list(value: unknown): Block[] {
  return (value ?? []) as Block[];
}

function strings(value: unknown): string[] | null {
  return Array.isArray(value) && value.length > 0 ? (value as string[]) : null;
}

function string(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : "";
}

function number(value: unknown): number {
  return Number(value ?? 0);
}

function pairs(texts: readonly string[]): ValueMap {
  return Object.fromEntries(texts.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]));
}

function time(value: unknown): string {
  return goDuration(number(value));
}

function timeOrNone(value: unknown): string {
  return value ? time(value) : "";
}
