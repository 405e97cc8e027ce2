import * as pulumi from "@pulumi/pulumi";
import {
  COLLECTOR_DATA_DIR,
  COLLECTOR_SECRETS,
  SERVICE_PORT,
  type CollectorContract,
} from "../../runtime/contract/index.ts";
import type { EstateConfig } from "../estateConfig.ts";
import { EstateNetwork } from "../estateNetwork.ts";
import { collectorRecipe } from "../imageRecipe.ts";
import { monitorLimits } from "../limitClasses.ts";
import { uidOf } from "../naming.ts";
import { readinessProbe } from "../readinessProbe.ts";
import { StateVolume } from "../stateVolume.ts";
import type { Target } from "../targets/index.ts";
import { DockerFilter, filteredWorkload } from "./dockerFilter.ts";

/** Base URL under which others of the stack find it. */
export const COLLECTOR_URL = `http://collector:${SERVICE_PORT}`;

export interface CollectorArgs {
  target: Target;
  health: EstateConfig["health"];
  /** /29 of the network on which its metrics are read, and on which it has the outside. */
  subnet: string;
  /** Networks on which it finds where it brings things, and on which it is found. */
  networks: ReadonlyArray<pulumi.Input<string>>;
  canarySeconds: number;
  /** Base URL of a store that takes lines. */
  loki?: { url: string; tenant?: string | undefined; login?: pulumi.Input<string> | undefined } | undefined;
  /** Base URL of a store that takes traces, and what it wants to see. */
  traces?: { url: string; headers: Readonly<Record<string, pulumi.Input<string>>> } | undefined;
  protectVolumes: boolean;
}

/**
 * Takes what all containers of the stack write to a store, with how far it has come on a volume, so that no line is lost while it
 * or the store is away (docs/adr/0025-logs-and-traces.md). It sees no Docker: a DockerFilter lets it read logs, and nothing else.
 */
export class Collector extends pulumi.ComponentResource {
  readonly networkName: pulumi.Output<string>;

  constructor(name: string, args: CollectorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:Collector", name, {}, opts);
    const { target, health, subnet, networks, canarySeconds, loki, traces, protectVolumes: protect } = args;
    const user = uidOf(target.owner, name);
    const parent = { parent: this };
    this.networkName = new EstateNetwork(name, { target, component: name, subnet, kind: "edge" }, parent).networkName;
    const socket = target.scratchVolume(`${name}-socket`, name, parent).name;
    const shared = { target, group: user, network: this.networkName, socket };
    const filter = { ...shared, health, limits: monitorLimits["collector-control"], allows: { logs: true as const } };
    const control = new DockerFilter(`${name}-control`, filter, parent);
    const { volumeName } = new StateVolume(`${name}-data`, { target, component: name, protect }, parent);
    const { estate, stack } = target.owner;
    const limits = monitorLimits.collector;
    const contract: CollectorContract = {
      ...{ version: 1, estate, stack, limits, canarySeconds },
      ...(loki
        ? { loki: { url: loki.url, login: loki.login !== undefined, ...(loki.tenant ? { tenant: loki.tenant } : {}) } }
        : {}),
      ...(traces ? { traces: { url: traces.url } } : {}),
    };
    target.workload(
      name,
      filteredWorkload({
        ...{ ...shared, name, user, networks, limits, contract },
        image: target.image(name, collectorRecipe({ user }), parent),
        mounts: [{ volume: volumeName, path: COLLECTOR_DATA_DIR }],
        hostPaths: [],
        probe: readinessProbe(health, "/health"),
        onNewContract: "replace",
        secrets: {
          ...(loki?.login === undefined ? {} : { [COLLECTOR_SECRETS.lokiLogin]: loki.login }),
          ...(traces ? { [COLLECTOR_SECRETS.otlpHeaders]: pulumi.jsonStringify(traces.headers) } : {}),
        },
      }),
      { ...parent, dependsOn: control },
    );
    this.registerOutputs({});
  }
}
