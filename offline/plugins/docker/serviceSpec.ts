import type { ValueMap } from "../values.ts";
import { labelMap } from "./properties.ts";
import { nanoseconds } from "./units.ts";

/** Inputs of a service as they are read here; every field may be missing. */
type Block = Record<string, unknown>;

/**
 * The specification for Docker's API, made from the inputs alone: what they do not name, the limit of tasks and ulimits among
 * it, is Docker's default again with each update, as with the official plugin.
 */
export function serviceSpec(inputs: ValueMap): Block {
  const { taskSpec, mode, endpointSpec, updateConfig, rollbackConfig } = inputs as Record<string, Block | undefined>;
  return {
    Name: inputs["name"],
    Labels: labelMap(inputs["labels"]),
    TaskTemplate: taskTemplate(taskSpec ?? {}),
    Mode: serviceMode(mode),
    ...(endpointSpec ? { EndpointSpec: endpoint(endpointSpec) } : {}),
    ...(updateConfig ? { UpdateConfig: updateOf(updateConfig) } : {}),
    ...(rollbackConfig ? { RollbackConfig: updateOf(rollbackConfig) } : {}),
  };
}

function taskTemplate(task: Block): Block {
  const { containerSpec, resources, restartPolicy, placement, logDriver } = task as Record<string, Block | undefined>;
  return given({
    ContainerSpec: containerSpecOf(containerSpec ?? {}),
    Resources: resources && resourcesOf(resources),
    RestartPolicy:
      restartPolicy &&
      given({
        Condition: restartPolicy["condition"],
        Delay: time(restartPolicy["delay"]),
        MaxAttempts: restartPolicy["maxAttempts"],
        Window: time(restartPolicy["window"]),
      }),
    Placement: placement && placementOf(placement),
    Networks: blocks(task["networksAdvanceds"]).map(({ id, name, aliases, driverOpts }) =>
      given({ Target: id ?? name, Aliases: aliases, DriverOpts: driverOpts && pairs(driverOpts as string[]) }),
    ),
    LogDriver: logDriver && given({ Name: logDriver["name"], Options: logDriver["options"] }),
    ForceUpdate: task["forceUpdate"],
    Runtime: task["runtime"],
  });
}

function containerSpecOf(spec: Block): Block {
  const { dnsConfig, healthcheck, privileges } = spec as Record<string, Block | undefined>;
  return given({
    Image: spec["image"],
    Command: spec["commands"],
    Args: spec["args"],
    Dir: spec["dir"],
    User: spec["user"],
    Groups: spec["groups"],
    Hostname: spec["hostname"],
    Env: spec["env"] && Object.entries(spec["env"] as Block).map(([name, value]) => `${name}=${String(value)}`),
    Labels: labelMap(spec["labels"]),
    ReadOnly: spec["readOnly"],
    Init: spec["init"],
    StopSignal: spec["stopSignal"],
    StopGracePeriod: time(spec["stopGracePeriod"]),
    CapabilityAdd: spec["capAdds"],
    CapabilityDrop: spec["capDrops"],
    Sysctls: spec["sysctl"],
    Isolation: spec["isolation"],
    Hosts: spec["hosts"] && blocks(spec["hosts"]).map(({ host, ip }) => `${String(ip)} ${String(host)}`),
    DNSConfig:
      dnsConfig &&
      given({ Nameservers: dnsConfig["nameservers"], Options: dnsConfig["options"], Search: dnsConfig["searches"] }),
    Healthcheck:
      healthcheck &&
      given({
        Test: healthcheck["tests"],
        Interval: time(healthcheck["interval"]),
        Timeout: time(healthcheck["timeout"]),
        StartPeriod: time(healthcheck["startPeriod"]),
        Retries: healthcheck["retries"],
      }),
    Mounts: blocks(spec["mounts"]).map(mountOf),
    Secrets: blocks(spec["secrets"]).map((each) =>
      given({ SecretID: each["secretId"], SecretName: each["secretName"], File: fileOf(each) }),
    ),
    Configs: blocks(spec["configs"]).map((each) =>
      given({ ConfigID: each["configId"], ConfigName: each["configName"], File: fileOf(each) }),
    ),
    Privileges: privileges && privilegesOf(privileges),
  });
}

function fileOf({ fileName, fileUid = "0", fileGid = "0", fileMode = 0o444 }: Block): Block {
  return { Name: fileName, UID: fileUid, GID: fileGid, Mode: fileMode };
}

function mountOf({ type, source, target, readOnly, bindOptions, volumeOptions, tmpfsOptions }: Block): Block {
  const [bind, volume, tmpfs] = [bindOptions, volumeOptions, tmpfsOptions] as (Block | undefined)[];
  return given({
    Type: type,
    Source: source,
    Target: target,
    ReadOnly: readOnly,
    BindOptions: bind && given({ Propagation: bind["propagation"] }),
    VolumeOptions:
      volume &&
      given({
        NoCopy: volume["noCopy"],
        Labels: volume["labels"] && labelMap(volume["labels"]),
        DriverConfig: volume["driverName"] && { Name: volume["driverName"], Options: volume["driverOptions"] ?? {} },
      }),
    TmpfsOptions: tmpfs && given({ SizeBytes: tmpfs["sizeBytes"], Mode: tmpfs["mode"] }),
  });
}

function privilegesOf({ credentialSpec, seLinuxContext }: Block): Block {
  const [credentials, selinux] = [credentialSpec, seLinuxContext] as (Block | undefined)[];
  return given({
    CredentialSpec: credentials && given({ File: credentials["file"], Registry: credentials["registry"] }),
    SELinuxContext:
      selinux &&
      given({
        Disable: selinux["disable"],
        User: selinux["user"],
        Role: selinux["role"],
        Type: selinux["type"],
        Level: selinux["level"],
      }),
  });
}

function resourcesOf({ limits, reservation }: Block): Block {
  const amounts = (block: unknown): Block | undefined => {
    if (!block) return undefined;
    const { memoryBytes, nanoCpus, genericResources } = block as Block;
    const generic = genericResources as
      { namedResourcesSpecs?: string[]; discreteResourcesSpecs?: string[] } | undefined;
    return given({
      MemoryBytes: memoryBytes,
      NanoCPUs: nanoCpus,
      GenericResources: generic && [
        ...(generic.namedResourcesSpecs ?? []).map((text) => ({ NamedResourceSpec: kindAnd(text, String) })),
        ...(generic.discreteResourcesSpecs ?? []).map((text) => ({ DiscreteResourceSpec: kindAnd(text, Number) })),
      ],
    });
  };
  return given({ Limits: amounts(limits), Reservations: amounts(reservation) });
}

/** `gpu=UUID1` */
function kindAnd<T>(text: string, read: (value: string) => T): { Kind: string; Value: T } {
  const at = text.indexOf("=");
  return { Kind: text.slice(0, at), Value: read(text.slice(at + 1)) };
}

function placementOf({ constraints, prefs, maxReplicas, platforms }: Block): Block {
  return given({
    Constraints: constraints,
    Preferences:
      prefs && (prefs as string[]).map((text) => ({ Spread: { SpreadDescriptor: text.replace(/^spread=/, "") } })),
    MaxReplicas: maxReplicas,
    Platforms: platforms && blocks(platforms).map(({ os, architecture }) => ({ OS: os, Architecture: architecture })),
  });
}

function serviceMode(mode: Block | undefined): Block {
  if (mode?.["global"] === true) return { Global: {} };
  const { replicas = 1 } = (mode?.["replicated"] ?? {}) as Block;
  return { Replicated: { Replicas: replicas } };
}

function endpoint({ mode, ports }: Block): Block {
  return given({
    Mode: mode,
    Ports: blocks(ports).map((port) =>
      given({
        Name: port["name"],
        Protocol: port["protocol"],
        TargetPort: port["targetPort"],
        PublishedPort: port["publishedPort"],
        PublishMode: port["publishMode"],
      }),
    ),
  });
}

function updateOf(config: Block): Block {
  return given({
    Parallelism: config["parallelism"],
    Delay: time(config["delay"]),
    FailureAction: config["failureAction"],
    Monitor: time(config["monitor"]),
    MaxFailureRatio: Number(config["maxFailureRatio"] ?? 0),
    Order: config["order"],
  });
}

function blocks(value: unknown): Block[] {
  return (value ?? []) as Block[];
}

/** `NAME=value` of each as a map. */
function pairs(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]));
}

function time(value: unknown): number | undefined {
  return typeof value === "string" && value !== "" ? nanoseconds(value) : undefined;
}

/** Without what is not given: Docker tells nothing from null in some places. */
function given(block: Block): Block {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined && value !== null));
}
