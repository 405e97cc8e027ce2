import type Docker from "dockerode";
import { NODE_VARIABLE } from "../../../runtime/contract/index.ts";
import type { SwarmFile, SwarmServiceSpec } from "./inputs.ts";
import { GPU_VARIABLE, type ChosenPlace } from "./placement.ts";

const MIB = 1024 * 1024;
const NANOS = 1e9;
/** rw for all, without the sticky bit: the one mode that Docker gives back as it was given. */
const SCRATCH_MODE = 0o777;
const FILE_MODE = 0o440;
/** Between two tries of a task that fails. */
const RESTART_SECONDS = 5;

/** Bounded, or a restart loop fills the disk (R-VOL-11). */
const LOG_DRIVER = { Name: "json-file", Options: { "max-size": "10m", "max-file": "3" } };

/** A service as Docker's API takes and gives it; dockerode's own type lacks what Docker has had since 20.10. */
export interface ServiceSpec {
  Name: string;
  Labels: Record<string, string>;
  Mode: { Replicated?: { Replicas: number }; Global?: object };
  TaskTemplate: {
    ContainerSpec: ContainerSpec;
    Resources: {
      Limits: { NanoCPUs: number; MemoryBytes: number; Pids: number };
      Reservations: { NanoCPUs: number; MemoryBytes: number };
    };
    RestartPolicy: { Condition: string; Delay: number; MaxAttempts: number };
    Placement: { Constraints: string[]; MaxReplicas: number };
    Networks: { Target: string; Aliases: string[] }[];
    LogDriver: { Name: string; Options: Record<string, string> };
    ForceUpdate: number;
  };
  UpdateConfig: UpdateConfig;
  RollbackConfig: UpdateConfig;
  EndpointSpec: { Mode: string; Ports: Port[] };
}

export interface ContainerSpec {
  Image: string;
  Hostname: string;
  User: string;
  ReadOnly: boolean;
  Init: boolean;
  Labels: Record<string, string>;
  Env?: string[];
  CapabilityDrop: string[];
  Ulimits: { Name: string; Soft: number; Hard: number }[];
  Mounts: Mount[];
  Secrets: { SecretID: string; SecretName: string; File: FileTarget }[];
  Configs: { ConfigID: string; ConfigName: string; File: FileTarget }[];
  DNSConfig: { Nameservers?: string[]; Options?: string[] };
  StopGracePeriod: number;
  Healthcheck: { Test: string[]; Interval: number; Timeout: number; StartPeriod: number; Retries: number };
}

interface Mount {
  Type: string;
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  TmpfsOptions?: { SizeBytes: number; Mode: number };
}

interface FileTarget {
  Name: string;
  UID: string;
  GID: string;
  Mode: number;
}

interface Port {
  Protocol: string;
  TargetPort: number;
  PublishedPort: number;
  PublishMode: string;
}

interface UpdateConfig {
  Parallelism: number;
  Delay: number;
  FailureAction: string;
  Monitor: number;
  MaxFailureRatio: number;
  Order: string;
}

/** What `inspect` gives beside the specification. */
export interface InspectedService {
  ID: string;
  Version: { Index: number };
  Spec: ServiceSpec;
  UpdateStatus?: { State: string; StartedAt?: string; Message?: string };
}

/** Name server of a closed task: its own loopback, where nobody answers; see docs/adr/0020. */
const NO_NAME_SERVER = { Nameservers: ["127.0.0.1"], Options: ["attempts:1", "timeout:1"] };

/**
 * The specification with everything in one piece: all limits, pids among them, are there before the first task is, and a
 * change is one rolling update (docs/adr/0021-swarm.md).
 * @param place constraints: those of the placement, and the preferences that hold.
 * @param forced another number replaces all tasks.
 */
export function serviceSpec(spec: SwarmServiceSpec, { constraints, gpuId }: ChosenPlace, forced = 0): ServiceSpec {
  const { limits, update } = spec;
  const reserved = { NanoCPUs: spec.cpuReservation * NANOS, MemoryBytes: limits.memoryReservationMiB * MIB };
  return {
    Name: spec.name,
    Labels: { ...spec.labels },
    Mode: spec.replicas === "every-node" ? { Global: {} } : { Replicated: { Replicas: spec.replicas } },
    TaskTemplate: {
      ContainerSpec: containerSpec(spec, gpuId),
      Resources: {
        Limits: { NanoCPUs: limits.cpus * NANOS, MemoryBytes: limits.memoryMiB * MIB, Pids: limits.pids },
        Reservations: reserved,
      },
      RestartPolicy: { Condition: "any", Delay: RESTART_SECONDS * NANOS, MaxAttempts: 0 },
      Placement: { Constraints: [...constraints], MaxReplicas: 0 },
      Networks: spec.networks.map(({ network, aliases }) => ({ Target: network, Aliases: [...aliases] })),
      LogDriver: LOG_DRIVER,
      ForceUpdate: forced,
    },
    UpdateConfig: updateConfig(update.order, update.monitorSeconds, "rollback"),
    // Who goes back has been well before; there is nothing else to go back to.
    RollbackConfig: updateConfig(update.order, update.monitorSeconds, "pause"),
    EndpointSpec: {
      // No virtual address: kernels without IPVS cannot forward it, and gateway and edge balance by themselves.
      Mode: "dnsrr",
      Ports: spec.ports.map(({ containerPort, hostPort }) => ({
        Protocol: "tcp",
        TargetPort: containerPort,
        PublishedPort: hostPort,
        PublishMode: "host",
      })),
    },
  };
}

function containerSpec(spec: SwarmServiceSpec, gpuId: string): ContainerSpec {
  const { limits, probe } = spec;
  const env = [
    ...(spec.knowsNode ? [`${NODE_VARIABLE}={{.Node.Hostname}}`] : []),
    // Not reserved: Docker's own enforcer rejects tasks with a named reservation at each change of their node.
    ...(gpuId === "" ? [] : [`${GPU_VARIABLE}=${gpuId}`]),
  ];
  return {
    Image: spec.image,
    Hostname: spec.hostname,
    User: `${spec.user}:${spec.group}`,
    ReadOnly: true,
    // The images bring their own.
    Init: false,
    Labels: { ...spec.labels },
    ...(env.length > 0 ? { Env: env } : {}),
    CapabilityDrop: ["ALL"],
    Ulimits: [
      { Name: "nofile", Soft: limits.nofile.soft, Hard: limits.nofile.hard },
      { Name: "nproc", Soft: limits.nproc, Hard: limits.nproc },
    ],
    Mounts: [
      ...spec.mounts.map(({ volume, path }) => ({ Type: "volume", Source: volume, Target: path })),
      ...Object.entries(spec.scratchMiB).map(([path, mebibytes]) => ({
        Type: "tmpfs",
        Target: path,
        TmpfsOptions: { SizeBytes: mebibytes * MIB, Mode: SCRATCH_MODE },
      })),
    ],
    Secrets: spec.secrets.map((secret) => ({
      SecretID: secret.id,
      SecretName: secret.name,
      File: fileTarget(secret, spec.group),
    })),
    Configs: spec.configs.map((config) => ({
      ConfigID: config.id,
      ConfigName: config.name,
      File: fileTarget(config, spec.group),
    })),
    DNSConfig: spec.closed ? NO_NAME_SERVER : {},
    StopGracePeriod: spec.stopSeconds * NANOS,
    Healthcheck: {
      Test: ["CMD", ...probe.command],
      Interval: probe.intervalSeconds * NANOS,
      Timeout: probe.timeoutSeconds * NANOS,
      StartPeriod: probe.startSeconds * NANOS,
      Retries: probe.failures,
    },
  };
}

function fileTarget({ file }: SwarmFile, group: number): FileTarget {
  return { Name: file, UID: "0", GID: String(group), Mode: FILE_MODE };
}

function updateConfig(order: string, monitorSeconds: number, failureAction: string): UpdateConfig {
  return {
    Parallelism: 1,
    Delay: 0,
    FailureAction: failureAction,
    Monitor: monitorSeconds * NANOS,
    MaxFailureRatio: 0,
    Order: order,
  };
}

/** dockerode's own type for the same. */
export function asDockerSpec(spec: ServiceSpec): Docker.ServiceSpec {
  return spec as unknown as Docker.ServiceSpec;
}
