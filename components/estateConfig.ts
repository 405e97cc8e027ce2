import { z } from "zod";
import { limitsSchema, serverNameSchema, type Limits } from "../runtime/contract/index.ts";
import { unavailable, type CatalogueEntry } from "./catalogue/index.ts";
import { parseTarget, type EgressTarget } from "./egressConfig.ts";
import { metricsReader, principalsSchema, resolveCallers, tokensSchema, type CallerConfig } from "./gatewayCallers.ts";
import { MAX_EGRESS_INSTANCES, MAX_INSTANCES } from "./instances.ts";
import { limitClasses, limitClassNames, proxyLimits } from "./limitClasses.ts";
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
import { loopbackFaults } from "./peerAddresses.ts";
import type { OrphanPolicy } from "./providers/orphans.ts";
import {
  serviceFaults,
  secretTextSchema,
  serviceSettingsSchema,
  sharedNetworkSchema,
  type ServiceConfig,
  type SharedNetworkConfig,
} from "./serviceConfig.ts";
import { isSubnetRange } from "./subnets.ts";
import { placementSchema, swarmSchema, targetFaults, type PlacementConfig, type SwarmConfig } from "./swarmConfig.ts";
import { tlsFaults } from "./tlsFaults.ts";

/** Overrides of single limits; the class gives the rest. Same fields and bounds as the contract. */
const limitsOverrideSchema = z.strictObject(limitsSchema.unwrap().partial().shape);

/** One MCP server in the stack's settings; `{}` takes everything from the catalogue. */
const serverSettingsSchema = z.strictObject({
  /** Catalogue entry. @default the server's own name */
  from: z.string().optional(),
  limitClass: z.enum(limitClassNames).optional(),
  limits: limitsOverrideSchema.optional(),
  /** Arguments after the catalogue's command. */
  args: z.array(z.string()).default([]),
  /** Environment of the child, over the catalogue's. Never secrets. */
  env: z.record(z.string(), z.string()).default({}),
  /** Environment of the child whose values are encrypted: files in the container, an environment only in the child. */
  secretEnv: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/, "a name of a variable: letters, digits and '_'"), secretTextSchema)
    .default({}),
  /**
   * Places outside that it may reach, `HOST:PORT`, with `*.` before a domain for all names below it. Its child goes there
   * through the estate's proxy, which the usual variables name. @default none: it reaches nothing
   */
  egress: z
    .array(z.string().refine((text) => parseTarget(text) !== undefined, "HOST:PORT, for example example.org:443"))
    .default([]),
  sharing: z.enum(["shared", "isolated"]).optional(),
  /** Containers that share the calls; the limits hold for each. More than one only without volumes. */
  instances: z.int().min(1).max(MAX_INSTANCES).default(1),
  /** Tools that may run twice: a call that was lost with its container is done once more. @default the catalogue's */
  repeatableTools: z.array(z.string().min(1)).optional(),
  /** stopped and quarantined: declared, but its child does not run; quarantined counts as a fault (R-ARC-07). */
  state: z.enum(["running", "stopped", "quarantined"]).default("running"),
  /** Where its tasks run in a swarm. @default anywhere */
  placement: placementSchema.optional(),
});

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
  /** Containers that are no MCP servers: databases, what monitors, what was adopted. */
  services: z.record(serverNameSchema, serviceSettingsSchema).default({}),
  /** Networks that services join. Servers have their own and join none. */
  networks: z.record(serverNameSchema, sharedNetworkSchema).default({}),
});

export type EstateSettings = z.input<typeof estateSettingsSchema>;
export type HealthSettings = z.infer<typeof healthSchema>;

/** A server with every question answered. */
export interface ServerConfig {
  name: string;
  entry: CatalogueEntry;
  limits: Limits;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Variable → value; secret. */
  secretEnv: Readonly<Record<string, string>>;
  egress: readonly EgressTarget[];
  sharing: "shared" | "isolated";
  instances: number;
  repeatableTools: readonly string[];
  state: "running" | "stopped" | "quarantined";
  placement: PlacementConfig | undefined;
}

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
  services: readonly ServiceConfig[];
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
    throw new ConfigError(parsed.error.issues.map((issue) => describeIssue(issue, settings, namespace)).join("\n"));
  }
  const faults: string[] = [];
  const { allowOvercommit, gate, gateway, health, network, orphans, servers, target, volumes } = parsed.data;
  const monitoring = resolveMonitoring(parsed.data.monitoring);
  const reserved = [...RESERVED_NAMES, ...(monitoring ? MONITORING_COMPONENTS : [])];
  const resolved: ServerConfig[] = [];
  for (const [name, server] of Object.entries(servers)) {
    const key = `${namespace}:servers.${name}`;
    if (reserved.includes(name)) {
      faults.push(`${key}: "${name}" is the estate's own; give the server another name and set from: ${name}`);
      continue;
    }
    const entry = catalogue.get(server.from ?? name);
    const missing = unavailable.get(server.from ?? name);
    if (missing !== undefined) {
      faults.push(`${key}: "${server.from ?? name}" is not to be had: ${missing}; take it out`);
      continue;
    }
    if (!entry) {
      faults.push(
        `${key}: there is no server "${server.from ?? name}" in the catalogue; known are ${[...catalogue.keys()].join(", ")}`,
      );
      continue;
    }
    const { args, env, instances, placement, secretEnv, state, repeatableTools = entry.repeatableTools ?? [] } = server;
    const limits = { ...limitClasses[server.limitClass ?? entry.limitClass], ...definedOnly(server.limits) };
    faults.push(...contradictions(limits, `${key}.limits`));
    if (instances > 1 && entry.volumes) {
      faults.push(
        `${key}.instances: ${instances} given; it keeps data in the volume ${entry.volumes.map((volume) => volume.name).join(", ")}, which two containers must not write at once: allowed is 1`,
      );
    }
    for (const variable of Object.keys(env).filter((each) => each in secretEnv)) {
      faults.push(`${key}.env.${variable}: given in secretEnv as well; take one of the two out`);
    }
    faults.push(...loopbackFaults(`${key}.env`, env), ...loopbackFaults(`${key}.secretEnv`, secretEnv));
    for (const [variable, what] of Object.entries(entry.needs ?? {})) {
      if (variable in env || variable in secretEnv || state !== "running") continue;
      faults.push(
        `${key}.secretEnv.${variable}: nothing given, and it does not start without; it is ${what}: npm run pulumi -- config set --secret --path '${key}.secretEnv.${variable}', or state: stopped`,
      );
    }
    const egress = server.egress.flatMap((text) => parseTarget(text) ?? []);
    if (egress.length > 0 && instances > MAX_EGRESS_INSTANCES) {
      faults.push(
        `${key}.instances: ${instances} given; with egress the proxy takes an address of its network, so that allowed is at most ${MAX_EGRESS_INSTANCES}`,
      );
    }
    const sharing = server.sharing ?? entry.sharing;
    const settings = { egress, args, env, secretEnv, state, sharing, instances, placement, repeatableTools };
    resolved.push({ name, entry, limits, ...settings });
  }
  if (resolved.length === 0 && faults.length === 0) {
    faults.push(
      `${namespace}:servers: no server is declared; name at least one of ${[...catalogue.keys()].join(", ")}`,
    );
  }
  const gatewayLimits = { ...limitClasses[gateway.limitClass], ...definedOnly(gateway.limits) };
  faults.push(...contradictions(gatewayLimits, `${namespace}:gateway.limits`));
  faults.push(...tlsFaults(gateway, `${namespace}:gateway`));
  const { callers, faults: callerFaults } = resolveCallers(gateway, Object.keys(servers), `${namespace}:gateway`);
  faults.push(...callerFaults);
  if (monitoring) {
    const names = callers.map(({ name }) => name);
    faults.push(...monitoringFaults({ target, callers: names, gatewayPort: gateway.port }, monitoring, namespace));
  }
  const services = named(parsed.data.services);
  const networks = named(parsed.data.networks);
  for (const { name, limits } of services) {
    faults.push(...contradictions(limits, `${namespace}:services.${name}.limits`));
  }
  const taken = new Set([...reserved, ...Object.keys(servers)]);
  const surroundings = { namespace, taken, networkRange: network.range, gatewayPort: gateway.port };
  faults.push(...serviceFaults(services, networks, surroundings));
  const placed = resolved.map(({ name, entry, placement, egress }) => ({
    name,
    hasVolumes: entry.volumes !== undefined,
    placement,
    egress: egress.length,
  }));
  const keys = { services: services.map(({ name }) => name), networks: networks.map(({ name }) => name) };
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
    services,
    networks,
  };
}

function named<T extends object>(record: Readonly<Record<string, T>>): Array<T & { name: string }> {
  return Object.entries(record).map(([name, value]) => ({ ...value, name }));
}

/** Limits that are each in bounds but deny one another. */
function contradictions(limits: Limits, key: string): string[] {
  const faults: string[] = [];
  if (limits.memoryReservationMiB > limits.memoryMiB) {
    faults.push(
      `${key}.memoryReservationMiB: ${limits.memoryReservationMiB} is more than memoryMiB ${limits.memoryMiB}; reserve at most the limit`,
    );
  }
  if (limits.nofile.soft > limits.nofile.hard) {
    faults.push(`${key}.nofile.soft: ${limits.nofile.soft} is more than nofile.hard ${limits.nofile.hard}`);
  }
  if (limits.nproc < 2 * limits.pids) {
    faults.push(
      `${key}.nproc: ${limits.nproc} is less than twice pids ${limits.pids}; it counts per uid on the whole host and must not bite before pids does`,
    );
  }
  return faults;
}

function definedOnly<T extends object>(overrides: T | undefined): Partial<{ [K in keyof T]: NonNullable<T[K]> }> {
  const entries = Object.entries(overrides ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<{ [K in keyof T]: NonNullable<T[K]> }>;
}

/** `mcp-estate:servers.memory.limits.memoryMiB: -5 given; Too small: expected number to be >=16`. */
function describeIssue(given: z.core.$ZodIssue, settings: unknown, namespace: string): string {
  const issue = withinUnion(given);
  const key = `${namespace}:${issue.path.map(String).join(".")}`;
  if (issue.code === "unrecognized_keys") {
    return `${key}${issue.path.length > 0 ? "." : ""}${issue.keys.join(", ")}: unknown key; ${allowedKeys(issue.path)}`;
  }
  let value: unknown = settings;
  for (const part of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
  const shown = value === undefined ? "nothing" : issue.path.some(isSecretKey) ? "a secret" : inClear(value);
  return `${key}: ${shown} given; ${issue.message}`;
}

/** Of a value that fits none of several forms: what is wrong with it in the form that it was meant to have. */
function withinUnion(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const meant = issue.errors.map(([first]) => first).find((first) => first && !isOtherForm(first));
  return meant ? withinUnion({ ...meant, path: [...issue.path, ...meant.path] }) : issue;
}

function isOtherForm({ code, path }: z.core.$ZodIssue): boolean {
  return (code === "invalid_type" || code === "invalid_value") && path.length === 0;
}

/** Encrypted settings arrive here decrypted and must not reach a message. */
function inClear(value: unknown): string {
  return JSON.stringify(value, (name, inner: unknown) => (isSecretKey(name) ? "secret" : inner));
}

const SECRET_KEYS: ReadonlySet<PropertyKey> = new Set([
  ...["secretEnv", "tls", "webhookUrl", "chatUrl", "password", "login", "headers"],
]);

/** Settings whose values are secrets, or have one beside them. */
function isSecretKey(name: PropertyKey): boolean {
  return SECRET_KEYS.has(name);
}

function allowedKeys(path: readonly PropertyKey[]): string {
  let schema: z.ZodType = estateSettingsSchema;
  for (const part of path) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodArray) schema = schema.element as z.ZodType;
    else if (schema instanceof z.ZodRecord) schema = schema.valueType as z.ZodType;
    else if (schema instanceof z.ZodObject) schema = schema.shape[String(part)] as z.ZodType;
  }
  schema = unwrap(schema);
  return schema instanceof z.ZodObject ? `allowed are ${Object.keys(schema.shape).join(", ")}` : "none is allowed here";
}

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap() as z.ZodType;
  }
  // Of several forms only one has keys.
  if (inner instanceof z.ZodUnion) return unwrap(inner.options.find(hasKeys) as z.ZodType);
  return inner;
}

function hasKeys(schema: unknown): boolean {
  return schema instanceof z.ZodObject || schema instanceof z.ZodRecord;
}
