import * as pulumi from "@pulumi/pulumi";
import { SERVICE_PORT } from "../../runtime/contract/index.ts";
import type { EstateConfig } from "../estateConfig.ts";
import {
  ALERTMANAGER_CONFIG_NAME,
  ALERTMANAGER_PORT,
  alertmanagerRecipe,
  METRICS_DATA_PATH,
  PROMETHEUS_FILES,
  PROMETHEUS_PORT,
  prometheusRecipe,
} from "../imageRecipe.ts";
import { monitorLimits } from "../limitClasses.ts";
import { PackagedProgram } from "../packagedProgram.ts";
import type { Target } from "../targets/index.ts";
import { ruleFile } from "./alerts.ts";
import { alertmanagerConfig } from "./alertmanagerConfig.ts";
import { Collector, COLLECTOR_URL } from "./collector.ts";
import { Guard, type GuardArgs } from "./guard.ts";
import { MonitorPage } from "./monitorPage.ts";
import { messageTemplates, TEMPLATES_NAME } from "./messageTemplates.ts";
import type { MonitoringConfig } from "./monitoringConfig.ts";
import { prometheusConfig } from "./prometheusConfig.ts";
import { Stores } from "./stores.ts";

export interface MonitoringArgs {
  target: Target;
  settings: MonitoringConfig;
  health: EstateConfig["health"];
  /** Component → /29 of its network. */
  subnets: ReadonlyMap<string, string>;
  /** Where the gateway's published port is found inside. */
  edge: { networkName: pulumi.Input<string>; host: string; tls: boolean };
  /** On which the gateway finds the collector. */
  gatewayNetwork: pulumi.Input<string>;
  /** Of a caller that may read metrics. */
  token: pulumi.Input<string>;
  /** Servers that are declared to run. */
  servers: number;
  /** All containers that are declared. */
  containers: GuardArgs["containers"];
  /** Servers whose processes are looked for outside of containers, and texts in command lines that are none. */
  hostProcesses: { servers: GuardArgs["servers"]; allowed: readonly string[] };
  /** Host names of all server containers. */
  instances: readonly string[];
  protectVolumes: boolean;
}

const BIND = "127.0.0.1";
const SCRATCH_MIB = 16;

/**
 * Prometheus, which scrapes gateway and servers and judges by typed alerts, and Alertmanager, which tells people
 * (docs/adr/0022-monitoring.md).
 */
export class Monitoring extends pulumi.ComponentResource {
  readonly prometheusUrl: string;
  readonly alertmanagerUrl: string;
  readonly pageUrl: string;
  /** "" where the stack has none. */
  readonly grafanaUrl: string;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:Monitoring", name, {}, opts);
    const { target, settings, health, subnets, edge, protectVolumes } = args;
    const { timeScale, scrapeSeconds, receivers, retention } = settings;
    const common = { target, health, scratchMiB: SCRATCH_MIB, dataPath: METRICS_DATA_PATH, protectVolumes };
    const parent = { parent: this };
    const alertmanager = new Alertmanager(
      "alertmanager",
      {
        ...common,
        subnet: subnets.get("alertmanager") ?? "",
        recipe: alertmanagerRecipe,
        limits: monitorLimits.alertmanager,
        networks: [],
        ports: [{ containerPort: ALERTMANAGER_PORT, hostPort: settings.alertmanagerPort, bind: BIND, tls: false }],
        probe: { path: "/-/ready", port: ALERTMANAGER_PORT },
        files: {
          [ALERTMANAGER_CONFIG_NAME]: pulumi.secret(alertmanagerConfig({ receivers, timeScale })),
          [TEMPLATES_NAME]: messageTemplates(`http://${BIND}:${settings.alertmanagerPort}`),
        },
      },
      parent,
    );
    const guard = new Guard(
      "guard",
      {
        ...{
          target,
          health,
          settings: settings.guard,
          subnet: subnets.get("guard") ?? "",
          containers: args.containers,
        },
        ...{ servers: args.hostProcesses.servers, hostAllowed: args.hostProcesses.allowed },
      },
      parent,
    );
    const stores = new Stores({ target, settings, subnet: subnets.get("stores") ?? "", protectVolumes }, parent);
    const collector = settings.collector && this.collect(args, settings.collector, stores);
    const labels = { estate: target.owner.estate, stack: target.owner.stack };
    const config = prometheusConfig({
      scrapeSeconds,
      instances: args.instances,
      edge,
      alertmanager: "alertmanager",
      guard: "guard",
      ...(collector ? { collector: "collector" } : {}),
    });
    const prometheus = new Prometheus(
      "prometheus",
      {
        ...common,
        subnet: subnets.get("prometheus") ?? "",
        recipe: ({ user }) => prometheusRecipe({ user, retention, resendSeconds: scrapeSeconds }),
        limits: monitorLimits.prometheus,
        networks: [
          ...[edge.networkName, alertmanager.networkName, guard.networkName],
          ...(collector ? [collector.networkName] : []),
        ],
        ports: [{ containerPort: PROMETHEUS_PORT, hostPort: settings.prometheusPort, bind: BIND, tls: false }],
        probe: { path: "/-/ready", port: PROMETHEUS_PORT },
        files: {
          [PROMETHEUS_FILES.config]: config,
          [PROMETHEUS_FILES.alerts]: ruleFile(
            { servers: args.servers, scrapeSeconds, timeScale, collects: collector !== undefined },
            labels,
          ),
          [PROMETHEUS_FILES.token]: args.token,
        },
      },
      parent,
    );
    const scheme = edge.tls ? "https" : "http";
    this.pageUrl = new MonitorPage(
      "monitor",
      {
        ...{ target, health, subnet: subnets.get("monitor") ?? "", port: settings.pagePort },
        networks: [
          ...[edge.networkName, prometheus.networkName, alertmanager.networkName],
          ...(collector ? [collector.networkName] : []),
        ],
        asks: {
          gatewayUrl: `${scheme}://${edge.host}:${SERVICE_PORT}`,
          prometheusUrl: `http://prometheus:${PROMETHEUS_PORT}`,
          alertmanagerUrl: `http://alertmanager:${ALERTMANAGER_PORT}`,
          ...(collector ? { collectorUrl: COLLECTOR_URL } : {}),
        },
      },
      parent,
    ).url;
    this.prometheusUrl = `http://${BIND}:${settings.prometheusPort}`;
    this.alertmanagerUrl = `http://${BIND}:${settings.alertmanagerPort}`;
    this.grafanaUrl = stores.showAll(prometheus.networkName);
    const { prometheusUrl, alertmanagerUrl, pageUrl, grafanaUrl } = this;
    this.registerOutputs({ prometheusUrl, alertmanagerUrl, pageUrl, grafanaUrl });
  }

  private collect(
    { target, health, subnets, gatewayNetwork, protectVolumes }: MonitoringArgs,
    { canarySeconds, loki, traces }: NonNullable<MonitoringConfig["collector"]>,
    { urls, networkName }: Stores,
  ): Collector {
    const lokiUrl = loki?.url ?? urls.loki;
    const tracesUrl = traces?.url ?? urls.otlp;
    return new Collector(
      "collector",
      {
        ...{ target, health, subnet: subnets.get("collector") ?? "", canarySeconds, protectVolumes },
        networks: [...(networkName ? [networkName] : []), ...(traces ? [gatewayNetwork] : [])],
        ...(lokiUrl ? { loki: { ...loki, url: lokiUrl } } : {}),
        ...(traces && tracesUrl ? { traces: { url: tracesUrl, headers: traces.headers } } : {}),
      },
      { parent: this },
    );
  }
}

class Prometheus extends PackagedProgram {
  constructor(
    name: string,
    args: ConstructorParameters<typeof PackagedProgram>[2],
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("mcp:index:Prometheus", name, args, opts);
    this.registerOutputs({ containerId: this.containerId });
  }
}

class Alertmanager extends PackagedProgram {
  constructor(
    name: string,
    args: ConstructorParameters<typeof PackagedProgram>[2],
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("mcp:index:Alertmanager", name, args, opts);
    this.registerOutputs({ containerId: this.containerId });
  }
}
