import { z } from "zod";
import { serverNameSchema, type Limits } from "../runtime/contract/index.ts";
import type { CatalogueEntry } from "./catalogue/index.ts";
import {
  coreServiceFaults,
  coreServiceSettingsSchema,
  resolveCoreServices,
  type CoreServiceConfig,
} from "./coreServiceConfig.ts";
import { metricsReader, principalsSchema, resolveCallers, tokensSchema, type CallerConfig } from "./gatewayCallers.ts";
import { limitClasses, limitClassNames, proxyLimits } from "./limitClasses.ts";
import { contradictions, definedOnly, limitsOverrideSchema } from "./limitSettings.ts";
import {
  MONITORING_CALLER,
  MONITORING_COMPONENTS,
  monitoringFaults,
  monitoringSchema,
  resolveMonitoring,
  type MonitoringConfig,
} from "./monitoring/monitoringConfig.ts";
import { orphansSchema } from "./orphanSettings.ts";
import { policySettingsSchema } from "./policySettings.ts";
import type { OrphanPolicy } from "./providers/orphans.ts";
import {
  serviceFaults,
  secretTextSchema,
  serviceSettingsSchema,
  sharedNetworkSchema,
  type ServiceConfig,
  type SharedNetworkConfig,
} from "./serviceConfig.ts";
import { resolveServers, serverSettingsSchema, type ServerConfig } from "./serverConfig.ts";
import { describeIssue } from "./settingsFault.ts";
import { isSubnetRange } from "./subnets.ts";
import { placementSchema, swarmSchema, targetFaults, type PlacementConfig, type SwarmConfig } from "./swarmConfig.ts";
import { hostsSchema } from "./hostsConfig.ts";
import { tlsFaults } from "./tlsFaults.ts";

const healthSchema = z.strictObject({
  /** Seconds between two functional probes of the container. */
  intervalSeconds: z.number().min(1).max(300),
  timeoutSeconds: z.number().min(0.5).max(60),
  /** Failed probes in a row before a server counts as unhealthy. */
  failures: z.int().min(1).max(20),
});

/** The whole of a stack's settings. Every key of `Pulumi.STACK.yaml` in our namespace is a key here. */
export const estateSettingsSchema = z.strictObject({
  target: z.enum(["docker", "swarm"]).default("docker"),
  /** Of the swarm target. */
  swarm: swarmSchema.optional(),
  /** Machines of which `npm run hosts` makes a swarm; of the estate itself nothing asks for them. */
  hosts: hostsSchema.optional(),
  network: z
    .strictObject({
      /** IPv4 range from which each server gets a /29. */
      range: z.string().refine(isSubnetRange, "an IPv4 range from /8 to /24, for example 10.201.0.0/16"),
    })
    .default({ range: "10.201.0.0/16" }),
  gateway: z
    .strictObject({
      /** Port on the host. */
      port: z.int().min(1).max(65535).default(11000),
      /** Address on the host. */
      bind: z.ipv4().default("127.0.0.1"),
      limitClass: z.enum(limitClassNames).default("standard"),
      limits: limitsOverrideSchema.optional(),
      /** Gateways that take calls at once; more than one in a swarm only. */
      replicas: z.int().min(1).max(20).default(1),
      /** Where they run in a swarm. @default anywhere */
      placement: placementSchema.optional(),
      /**
       * Certificate chain and key of the published port, PEM. Without them only a
       * loopback bind is allowed: what encrypts in front of it runs on this host then.
       */
      tls: z.strictObject({ certificate: z.string().min(1), key: secretTextSchema }).optional(),
      /** Of the stack's own caller (stack outputs gatewayToken, gatewayTokens). @default one that never expires */
      tokens: tokensSchema.optional(),
      /**
       * More callers, each with tokens of its own (stack output gatewayTokens); isolated servers keep them apart. A list
       * of names, or names with what each may do.
       */
      principals: principalsSchema.default([]),
    })
    .prefault({}),
  /** Deploy even where the host's memory is less than the sum of the reservations. */
  allowOvercommit: z.boolean().default(false),
  /** What to do with objects that nobody declared. Those with this stack's mark are removed; volumes never are. */
  orphans: orphansSchema,
  volumes: z
    .strictObject({
      /** Refuse every update that would remove or replace a data volume, and `down --volumes`. */
      protect: z.boolean().default(false),
    })
    .prefault({}),
  health: healthSchema.default({ intervalSeconds: 10, timeoutSeconds: 5, failures: 3 }),
  gate: z
    .strictObject({
      /** Seconds that a server which has just started may take to answer, before the update counts as failed. */
      timeoutSeconds: z.number().min(1).max(600).default(60),
    })
    .prefault({}),
  /** Prometheus and Alertmanager beside the estate; `{}` takes all defaults. @default none */
  monitoring: monitoringSchema.optional(),
  /** Of the policies, which stand beside the program: here it only refuses what they could not read. */
  policy: policySettingsSchema.prefault({}),
  servers: z.record(serverNameSchema, serverSettingsSchema),
  /** Databases, caches and brokers that the estate builds itself. */
  coreServices: z.record(serverNameSchema, coreServiceSettingsSchema).default({}),
  /** Containers of others' images that are no MCP servers: databases, what monitors, what was adopted. */
  services: z.record(serverNameSchema, serviceSettingsSchema).default({}),
  /** Networks that services join. Servers have their own and join none. */
  networks: z.record(serverNameSchema, sharedNetworkSchema).default({}),
});

export type EstateSettings = z.input<typeof estateSettingsSchema>;
export type HealthSettings = z.infer<typeof healthSchema>;

/** The estate as the program deploys it. */
export interface EstateConfig {
  target: "docker" | "swarm";
  swarm: SwarmConfig;
  networkRange: string;
  gateway: {
    port: number;
    bind: string;
    replicas: number;
    placement: PlacementConfig | undefined;
    limits: Limits;
    /** Of the proxy that owns the port. */
    edgeLimits: Limits;
    tls?: { certificate: string; key: string } | undefined;
    callers: readonly CallerConfig[];
  };
  allowOvercommit: boolean;
  orphans: OrphanPolicy;
  volumes: { protect: boolean };
  health: HealthSettings;
  gate: { timeoutSeconds: number };
  monitoring: MonitoringConfig | undefined;
  servers: readonly ServerConfig[];
  coreServices: readonly CoreServiceConfig[];
  services: readonly ServiceConfig[];
  /** Services that are declared and not made. */
  switchedOff: ReadonlyArray<{ name: string; image: string }>;
  networks: readonly SharedNetworkConfig[];
}

/** Components of the estate itself, whose names a server cannot take. */
const RESERVED_NAMES: readonly string[] = ["edge", "egress", "gateway"];

/** Settings that cannot be deployed. The message has one line per fault: key, value given, what is allowed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Checks settings and answers every open question from the catalogue.
 * @param settings the stack's settings by key, without namespace.
 * @param namespace prefix of the keys in messages.
 * @throws ConfigError naming each faulty key.
 */
export function resolveEstate(
  settings: unknown,
  catalogue: ReadonlyMap<string, CatalogueEntry>,
  namespace = "mcp-estate",
): EstateConfig {
  const parsed = estateSettingsSchema.safeParse(settings);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => describeIssue(issue, settings, estateSettingsSchema, namespace)).join("\n"),
    );
  }
  const { allowOvercommit, gate, gateway, health, network, orphans, servers, target, volumes } = parsed.data;
  const monitoring = resolveMonitoring(parsed.data.monitoring);
  const reserved = [...RESERVED_NAMES, ...(monitoring ? MONITORING_COMPONENTS : [])];
  const { resolved, faults } = resolveServers(servers, catalogue, { namespace, reserved });
  const gatewayLimits = { ...limitClasses[gateway.limitClass], ...definedOnly(gateway.limits) };
  faults.push(...contradictions(gatewayLimits, `${namespace}:gateway.limits`));
  faults.push(...tlsFaults(gateway, `${namespace}:gateway`));
  const { callers, faults: callerFaults } = resolveCallers(gateway, Object.keys(servers), `${namespace}:gateway`);
  faults.push(...callerFaults);
  if (monitoring) {
    const names = callers.map(({ name }) => name);
    faults.push(...monitoringFaults({ target, callers: names, gatewayPort: gateway.port }, monitoring, namespace));
  }
  const allServices = named(parsed.data.services);
  const services = allServices.filter(({ enabled }) => enabled).map(({ enabled: _on, ...service }) => service);
  const networks = named(parsed.data.networks);
  const coreServices = resolveCoreServices(parsed.data.coreServices);
  for (const { name, limits } of services)
    faults.push(...contradictions(limits, `${namespace}:services.${name}.limits`));
  for (const { name, limits } of coreServices)
    faults.push(...contradictions(limits, `${namespace}:coreServices.${name}.limits`));
  const taken = new Set([...reserved, ...Object.keys(servers), ...coreServices.map(({ name }) => name)]);
  const ports = new Map([[`${gateway.port}/tcp`, "the gateway"]]);
  for (const { name, hostPort } of coreServices) if (hostPort) ports.set(`${hostPort}/tcp`, `core service ${name}`);
  const surroundings = { namespace, taken, networkRange: network.range, ports };
  faults.push(...serviceFaults(services, networks, surroundings));
  const placed = resolved.map(({ name, entry, placement, gpu, egress, hostPaths }) => ({
    name,
    hasVolumes: entry.volumes !== undefined,
    placement,
    gpu,
    egress: egress.length,
    hostPaths: hostPaths.length,
  }));
  faults.push(
    ...coreServiceFaults(coreServices, {
      namespace,
      taken: new Set([...reserved, ...Object.keys(servers)]),
      networks: networks.map(({ name }) => name),
      gatewayPort: gateway.port,
      servers: resolved.map(({ entry, egress, ...server }) => ({
        ...server,
        hasVolumes: entry.volumes !== undefined,
        egress: egress.length,
      })),
    }),
  );
  const namesOf = (all: ReadonlyArray<{ name: string }>) => all.map(({ name }) => name);
  const keys = { services: namesOf(services), coreServices: namesOf(coreServices), networks: namesOf(networks) };
  faults.push(...targetFaults({ target, swarm: parsed.data.swarm, gateway, servers: placed, ...keys }, namespace));
  if (faults.length > 0) throw new ConfigError(faults.join("\n"));
  return {
    target,
    swarm: parsed.data.swarm ?? swarmSchema.parse({}),
    networkRange: network.range,
    gateway: {
      port: gateway.port,
      bind: gateway.bind,
      replicas: gateway.replicas,
      placement: gateway.placement,
      limits: gatewayLimits,
      edgeLimits: proxyLimits,
      tls: gateway.tls,
      callers: [...callers, ...(monitoring ? [metricsReader(MONITORING_CALLER)] : [])],
    },
    allowOvercommit,
    orphans,
    volumes,
    health,
    gate,
    monitoring,
    servers: resolved,
    coreServices,
    switchedOff: allServices.filter(({ enabled }) => !enabled).map(({ name, image }) => ({ name, image })),
    services,
    networks,
  };
}

function named<T extends object>(record: Readonly<Record<string, T>>): Array<T & { name: string }> {
  return Object.entries(record).map(([name, value]) => ({ ...value, name }));
}
