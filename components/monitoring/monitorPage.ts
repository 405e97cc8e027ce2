import * as pulumi from "@pulumi/pulumi";
import { MONITOR_PATH, SERVICE_PORT, type MonitorContract } from "../../runtime/contract/index.ts";
import type { EstateConfig } from "../estateConfig.ts";
import { EstateNetwork } from "../estateNetwork.ts";
import { monitorRecipe } from "../imageRecipe.ts";
import { monitorLimits } from "../limitClasses.ts";
import { uidOf } from "../naming.ts";
import { readinessProbe } from "../readinessProbe.ts";
import type { Target } from "../targets/index.ts";

export interface MonitorPageArgs {
  target: Target;
  health: EstateConfig["health"];
  /** /29 of the network that carries the published port. */
  subnet: string;
  /** Networks on which it finds what it asks. */
  networks: ReadonlyArray<pulumi.Input<string>>;
  asks: Pick<MonitorContract, "gatewayUrl" | "prometheusUrl" | "alertmanagerUrl" | "collectorUrl">;
  /** Port on the host's loopback. */
  port: number;
}

const BIND = "127.0.0.1";
const SCRATCH_MIB = 1;
const STOP_SECONDS = 5;

/** A page for people without Grafana: servers, use, alerts, actions (R-DSH-02, docs/adr/0024-monitor-page.md). */
export class MonitorPage extends pulumi.ComponentResource {
  readonly url: string;

  constructor(name: string, args: MonitorPageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:MonitorPage", name, {}, opts);
    const { target, health, subnet, networks, asks, port } = args;
    const user = uidOf(target.owner, name);
    const limits = monitorLimits.monitor;
    const parent = { parent: this };
    const { networkName } = new EstateNetwork(name, { target, component: name, subnet, kind: "edge" }, parent);
    const { estate, stack } = target.owner;
    const contract: MonitorContract = { version: 1, estate, stack, limits, ...asks };
    const { containerId } = target.workload(
      name,
      {
        component: name,
        hostname: name,
        image: target.image(name, monitorRecipe({ user }), parent),
        user,
        group: user,
        limits,
        networks: [networkName, ...networks].map((network) => ({ network, aliases: [name] })),
        ports: [{ containerPort: SERVICE_PORT, hostPort: port, bind: BIND, tls: false }],
        mounts: [],
        hostPaths: [],
        scratchMiB: { "/tmp": SCRATCH_MIB },
        probe: readinessProbe(health, "/health"),
        contract: JSON.stringify(contract),
        onNewContract: "replace",
        supervised: false,
        newBesideOld: false,
        stopSeconds: STOP_SECONDS,
        secrets: {},
        closed: false,
        knowsNode: false,
        replicas: 1,
        placement: undefined,
      },
      parent,
    );
    this.url = `http://${BIND}:${port}${MONITOR_PATH}`;
    this.registerOutputs({ url: this.url, containerId });
  }
}
