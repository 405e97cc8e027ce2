import * as pulumi from "@pulumi/pulumi";
import {
  CONTROL_DIR,
  CONTROL_SOCKET,
  DOCKER_SOCKET,
  HOST_CGROUPS,
  HOST_PROC,
  type ControlContract,
  type GuardContract,
  type Guarded,
  type Limits,
  type ServerSignature,
} from "../../runtime/contract/index.ts";
import type { EstateConfig } from "../estateConfig.ts";
import { EstateNetwork } from "../estateNetwork.ts";
import { controlRecipe, guardRecipe } from "../imageRecipe.ts";
import { monitorLimits } from "../limitClasses.ts";
import { LABEL_COMPONENT, LABEL_ESTATE, LABEL_STACK, uidOf } from "../naming.ts";
import { readinessProbe } from "../readinessProbe.ts";
import type { HostPath, ProbeSpec, Target, WorkloadSpec } from "../targets/index.ts";
import type { MonitoringConfig } from "./monitoringConfig.ts";

export interface GuardArgs {
  target: Target;
  settings: MonitoringConfig["guard"];
  health: EstateConfig["health"];
  /** /29 of the network on which its metrics are read. */
  subnet: string;
  /** All that is declared to run. */
  containers: readonly Guarded[];
  /** Servers whose processes are looked for outside of containers. */
  servers: readonly ServerSignature[];
  hostAllowed: readonly string[];
}

const SCRATCH_MIB = 1;
const STOP_SECONDS = 5;
/** Restarts are counted over so long. */
const WITHIN_SECONDS = 600;
const DOCKERS_SOCKET = "/var/run/docker.sock";

/**
 * Counts the stack's tasks, processes and memory from outside, from the host's own tables, and restarts a container that
 * nobody inside can help (docs/adr/0023-guard.md). It sees no Docker: what it may ask of that goes through GuardControl.
 */
export class Guard extends pulumi.ComponentResource {
  /** Network on which its metrics are read. */
  readonly networkName: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;

  constructor(name: string, args: GuardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:Guard", name, {}, opts);
    const { target, settings, health, subnet, containers, servers, hostAllowed } = args;
    const user = uidOf(target.owner, name);
    const parent = { parent: this };
    this.networkName = new EstateNetwork(
      name,
      { target, component: name, subnet, kind: "internal" },
      parent,
    ).networkName;
    const socket = target.scratchVolume(`${name}-socket`, name, parent).name;
    const { estate, stack } = target.owner;
    const limits = monitorLimits.guard;
    const { maxRestarts, ...rules } = settings;
    const shared = { target, group: user, network: this.networkName, socket };
    const control = new GuardControl(`${name}-control`, { ...shared, health, maxRestarts }, parent);
    const contract: GuardContract = {
      ...{ version: 1, estate, stack, limits, ...rules },
      ...{ containers: [...containers], servers: [...servers], hostAllowed: [...hostAllowed] },
    };
    const hostPaths = target
      .controlGroups(HOST_CGROUPS)
      .apply((groups): HostPath[] => [{ hostPath: "/proc", path: HOST_PROC, readOnly: true }, ...groups]);
    const { containerId } = target.workload(
      name,
      workloadOf({
        ...{ ...shared, name, user, limits, contract, hostPaths },
        image: target.image(name, guardRecipe({ user }), parent),
        probe: readinessProbe(health, "/health"),
        onNewContract: "reload",
      }),
      { ...parent, dependsOn: control },
    );
    this.containerId = containerId;
    this.registerOutputs({ containerId });
  }
}

interface GuardControlArgs {
  target: Target;
  /** The guard's, and nobody else's. */
  group: number;
  network: pulumi.Output<string>;
  /** Volume of the socket between both. */
  socket: pulumi.Output<string>;
  health: EstateConfig["health"];
  maxRestarts: number;
}

/**
 * The one container that sees Docker's socket. It listens on no network, runs without a capability, and passes on two
 * questions: which containers this stack has, and that one of them be restarted.
 */
export class GuardControl extends pulumi.ComponentResource {
  constructor(name: string, args: GuardControlArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:GuardControl", name, {}, opts);
    const { target, group, health, maxRestarts, ...shared } = args;
    const { estate, stack } = target.owner;
    const limits = monitorLimits["guard-control"];
    const labels = { estate: LABEL_ESTATE, stack: LABEL_STACK, component: LABEL_COMPONENT };
    const contract: ControlContract = {
      ...{ version: 1, estate, stack, limits, labels },
      ...{ maxRestarts, withinSeconds: WITHIN_SECONDS },
    };
    const asked = readinessProbe(health, "/health");
    const probe: ProbeSpec = {
      ...asked,
      command: ["/usr/bin/curl", "-fsS", "-o", "/dev/null", "--unix-socket", CONTROL_SOCKET, "http://control/health"],
    };
    target.workload(
      name,
      workloadOf({
        ...{ ...shared, name, group, limits, contract, probe },
        // Docker's socket is root's and of a group whose number each host has its own.
        user: 0,
        image: target.image(name, controlRecipe({ user: group }), { parent: this }),
        hostPaths: [{ hostPath: DOCKERS_SOCKET, path: DOCKER_SOCKET, readOnly: true }],
        onNewContract: "replace",
      }),
      { parent: this },
    );
    this.registerOutputs({});
  }
}

interface Parts extends Pick<WorkloadSpec, "user" | "group" | "image" | "probe" | "hostPaths" | "onNewContract"> {
  name: string;
  limits: Limits;
  contract: GuardContract | ControlContract;
  network: pulumi.Output<string>;
  socket: pulumi.Output<string>;
}

function workloadOf({ name, network, socket, contract, ...given }: Parts): WorkloadSpec {
  return {
    ...given,
    component: name,
    hostname: name,
    networks: [{ network, aliases: [name] }],
    ports: [],
    mounts: [{ volume: socket, path: CONTROL_DIR }],
    scratchMiB: { "/tmp": SCRATCH_MIB },
    contract: JSON.stringify(contract),
    supervised: false,
    newBesideOld: false,
    stopSeconds: STOP_SECONDS,
    secrets: {},
    closed: false,
    knowsNode: false,
    replicas: 1,
    placement: undefined,
  };
}
