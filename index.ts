/** The estate, top to bottom: settings, target, one component per server, the gateway in front of them, services. */
import * as pulumi from "@pulumi/pulumi";
import { catalogue } from "./components/catalogue/index.ts";
import { CoreService } from "./components/coreService.ts";
import type { CoreServiceConfig } from "./components/coreServiceConfig.ts";
import { coreServiceSecrets as secretsOf, withReferences } from "./components/coreServiceSecrets.ts";
import { Edge } from "./components/edge.ts";
import { Egress } from "./components/egress.ts";
import { Gateway } from "./components/gateway.ts";
import { gpuClaims } from "./components/gpus.ts";
import { instanceNames } from "./components/instances.ts";
import { proxyLimits } from "./components/limitClasses.ts";
import { McpServer } from "./components/mcpServer.ts";
import { COLLECTOR_URL } from "./components/monitoring/collector.ts";
import { guarded } from "./components/monitoring/guarded.ts";
import { Monitoring } from "./components/monitoring/index.ts";
import { MONITORING_CALLER, monitoringNetworks, monitoringPrograms } from "./components/monitoring/monitoringConfig.ts";
import { storePrograms } from "./components/monitoring/stores.ts";
import { Service } from "./components/service.ts";
import { SharedNetwork } from "./components/sharedNetwork.ts";
import { constraintsOf } from "./components/swarmConfig.ts";
import { allocateSubnets, wantedBlocks } from "./components/subnets.ts";
import { targetFor } from "./components/targets/index.ts";
import { loadConfig } from "./config.ts";

const { owner, estate, program } = loadConfig();
const target = targetFor(estate.target, owner, estate.swarm);

const reaching = estate.servers.filter(({ egress }) => egress.length > 0);
const own = [
  toDemand({ name: "edge", limits: estate.gateway.edgeLimits }),
  { component: "gateway", limits: estate.gateway.limits, replicas: estate.gateway.replicas },
  ...(reaching.length > 0 ? [toDemand({ name: "egress", limits: proxyLimits })] : []),
  ...estate.servers.flatMap((server) => instanceNames(server).map((name) => toDemand({ ...server, name }))),
  ...estate.coreServices.map(toDemand),
  ...(estate.monitoring ? monitoringPrograms(estate.monitoring).map(toDemand) : []),
];
const ofOthers = [...estate.services, ...(estate.monitoring ? storePrograms(estate.monitoring) : [])];
target.checkCapacity([...own, ...ofOthers.map(toDemand)], estate.allowOvercommit);

const names = estate.servers.map((server) => server.name);
const subnets = allocateSubnets(
  estate.networkRange,
  [
    "edge",
    "gateway",
    ...(reaching.length > 0 ? ["egress"] : []),
    ...(estate.monitoring ? monitoringNetworks(estate.monitoring) : []),
    ...estate.coreServices.map(({ name }) => name),
    ...names,
  ],
  target.networkBits,
);
target.checkAddresses(wantedBlocks(owner, estate, subnets));

const { timeoutSeconds: readySeconds } = estate.gate;
const { protect: protectVolumes } = estate.volumes;
const gpus = gpuClaims(
  estate.servers.map(({ entry, ...server }) => ({
    ...server,
    constraints: constraintsOf({ ...server, hasVolumes: entry.volumes !== undefined }, estate.swarm),
  })),
);
const coreSecrets = secretsOf(estate.coreServices);
// A core service joins the networks of its servers, and they start after it.
const coreReady = new Map(estate.coreServices.map(({ name }) => [name, Promise.withResolvers<pulumi.Resource>()]));
const mcpServers = estate.servers.map((server) => {
  const subnet = subnets.get(server.name) ?? "";
  const needed = estate.coreServices.filter(({ servers: callers }) => callers.includes(server.name));
  const after = Promise.all(needed.flatMap(({ name }) => coreReady.get(name)?.promise ?? []));
  return new McpServer(server.name, {
    ...{ target, server, health: estate.health, subnet, readySeconds, protectVolumes, gpus },
    ...(needed.length > 0 ? { after, secretEnv: withReferences(server.secretEnv, coreSecrets) } : {}),
  });
});

const traces = estate.monitoring?.collector?.traces;
const gateway = new Gateway("gateway", {
  target,
  gateway: estate.gateway,
  health: estate.health,
  subnet: subnets.get("gateway") ?? "",
  readySeconds,
  servers: mcpServers,
  ...(traces ? { traces: { url: `${COLLECTOR_URL}/v1/traces`, share: traces.share } } : {}),
});
const edge = new Edge("edge", {
  target,
  settings: estate.gateway,
  health: estate.health,
  subnet: subnets.get("edge") ?? "",
  gateway,
});

if (reaching.length > 0) {
  new Egress("egress", {
    target,
    health: estate.health,
    subnet: subnets.get("egress") ?? "",
    servers: reaching.map(({ name, egress: targets }) => ({
      subnet: subnets.get(name) ?? "",
      targets,
      networkName: mcpServers[names.indexOf(name)]?.networkName ?? "",
    })),
  });
}

const signatures = [...catalogue.values()].map((entry) => ({
  package: entry.package.name,
  ecosystem: entry.package.ecosystem,
}));
const monitoring =
  estate.monitoring &&
  new Monitoring("monitoring", {
    target,
    settings: estate.monitoring,
    health: estate.health,
    subnets,
    edge: { networkName: edge.networkName, host: "edge", tls: estate.gateway.tls !== undefined },
    gatewayNetwork: gateway.networkName,
    token: gateway.tokens[MONITORING_CALLER] ?? "",
    servers: estate.servers.filter(({ state }) => state === "running").length,
    instances: estate.servers.flatMap(instanceNames),
    containers: guarded(owner, own, ofOthers),
    hostProcesses: { servers: signatures, allowed: estate.orphans.hostAllowed },
    protectVolumes,
  });

const networks = new Map(
  estate.networks.map((network) => [network.name, new SharedNetwork(network.name, { target, network })]),
);
const ownServices = estate.services.map(
  (service) => new Service(service.name, { target, service, networks, protectVolumes }),
);
const coreServices = estate.coreServices.map((service) => {
  const { name, servers: callers, networks: joined } = service;
  const made = new CoreService(name, {
    ...{ target, service, health: estate.health, subnet: subnets.get(name) ?? "", readySeconds, protectVolumes },
    secrets: coreSecrets.get(name) ?? {},
    networks: [
      ...callers.map((caller) => mcpServers[names.indexOf(caller)]?.networkName ?? ""),
      ...joined.map((key) => networks.get(key)?.networkName ?? ""),
    ],
  });
  coreReady.get(name)?.resolve(made.running);
  return made;
});

if (estate.switchedOff.length > 0) {
  const off = estate.switchedOff.map(({ name, image }) => `${name} (${image})`).join(", ");
  void pulumi.log.info(`services that are declared and switched off: ${off}; enabled: true starts one`);
}

function toDemand({ name, limits }: Pick<(typeof estate.servers)[number], "name" | "limits">) {
  return { component: name, limits, replicas: 1 };
}

const reportedOrphans = target.sweepOrphans(estate.orphans, signatures);
/** Found and reported, never removed: data volumes, and what matches the stack's patterns. */
export const orphans = reportedOrphans.reported;
/** How many of each kind. */
export const orphanCounts = reportedOrphans.counts;
const smoke = target.smokeGate({
  gatewayUrl: edge.url,
  token: gateway.token,
  ...(estate.gateway.tls ? { certificate: estate.gateway.tls.certificate } : {}),
  servers: estate.servers.map(({ name, state, entry: { proof } }) => ({ name, state, proof })),
  timeoutSeconds: estate.gate.timeoutSeconds,
});
/** What this update was made from and found, so that a rollback finds it in the engine's history. */
export const release = { program, images: target.images(), smoke };
export const gatewayUrl = edge.url;
/** Certificate of the published port, PEM; "" where it is plain HTTP. */
export const gatewayCertificate = estate.gateway.tls?.certificate ?? "";
export const gatewayToken = gateway.token;
/** Where Prometheus, Alertmanager, the monitor page and Grafana are; "" where the stack has none. */
export const prometheusUrl = monitoring?.prometheusUrl ?? "";
export const alertmanagerUrl = monitoring?.alertmanagerUrl ?? "";
export const monitorUrl = monitoring?.pageUrl ?? "";
export const grafanaUrl = monitoring?.grafanaUrl ?? "";
/** Of the callers that the settings name, and of the monitoring. */
export const gatewayTokens = gateway.tokens;
export const servers = Object.fromEntries(
  estate.servers.map((server, i) => [
    server.name,
    {
      url: `${edge.url}/servers/${server.name}/mcp`,
      image: mcpServers[i]?.imageId,
      state: server.state,
      limits: server.limits,
      effective: mcpServers[i]?.effective,
    },
  ]),
);
/** What else runs: name → image and limits. */
export const services = {
  ...deployed(estate.services, ownServices),
  ...deployed(estate.coreServices, coreServices),
};

/** Core service → passwords that callers of its own need. */
export const coreServiceSecrets = pulumi.secret(Object.fromEntries(coreSecrets));

function deployed(
  declared: ReadonlyArray<Pick<CoreServiceConfig, "name" | "limits">>,
  made: ReadonlyArray<Service | CoreService>,
) {
  return Object.fromEntries(
    declared.map(({ name, limits }, i) => [name, { image: made[i]?.imageId, limits, effective: made[i]?.effective }]),
  );
}
