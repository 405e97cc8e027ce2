import * as pulumi from "@pulumi/pulumi";
import {
  HOST_CGROUPS,
  HOST_PROC,
  type GuardContract,
  type Guarded,
  type ServerSignature,
} from "../../runtime/contract/index.ts";
import type { EstateConfig } from "../estateConfig.ts";
import { EstateNetwork } from "../estateNetwork.ts";
import { guardRecipe } from "../imageRecipe.ts";
import { monitorLimits } from "../limitClasses.ts";
import { uidOf } from "../naming.ts";
import { readinessProbe } from "../readinessProbe.ts";
import type { HostPath, Target } from "../targets/index.ts";
import { DockerFilter, filteredWorkload } from "./dockerFilter.ts";
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

/** Restarts are counted over so long. */
const WITHIN_SECONDS = 600;

/**
 * Counts the stack's tasks, processes and memory from outside, from the host's own tables, and restarts a container that
 * nobody inside can help (docs/adr/0023-guard.md). It sees no Docker: what it may ask of that goes through a DockerFilter.
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
    const restarts = { most: maxRestarts, withinSeconds: WITHIN_SECONDS };
    const filter = { ...shared, health, limits: monitorLimits["guard-control"], allows: { restarts } };
    const control = new DockerFilter(`${name}-control`, filter, {
      ...parent,
      aliases: [{ type: "mcp:index:GuardControl" }],
    });
    const contract: GuardContract = {
      ...{ version: 1, estate, stack, limits, ...rules },
      ...{ containers: [...containers], servers: [...servers], hostAllowed: [...hostAllowed] },
    };
    const hostPaths = target
      .controlGroups(HOST_CGROUPS)
      .apply((groups): HostPath[] => [{ hostPath: "/proc", path: HOST_PROC, readOnly: true }, ...groups]);
    const { containerId } = target.workload(
      name,
      filteredWorkload({
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
