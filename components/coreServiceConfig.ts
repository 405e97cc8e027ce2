import { z } from "zod";
import { serverNameSchema, type Limits } from "../runtime/contract/index.ts";
import { coreServiceKinds, type CoreServiceKind } from "./coreServices/index.ts";
import { mayRunTwice, networkPlaces } from "./instances.ts";
import { definedOnly, limitsOverrideSchema } from "./limitSettings.ts";
import { referencesIn } from "./secretReferences.ts";
import { secretTextSchema } from "./serviceConfig.ts";

const kindNames = [...coreServiceKinds.keys()] as [string, ...string[]];

/** A program that servers keep their data in or talk through, built like the servers themselves. */
export const coreServiceSettingsSchema = z.strictObject({
  kind: z.enum(kindNames),
  /** Over the kind's own. */
  limits: limitsOverrideSchema.optional(),
  /** Passwords by name, as its kind has them. @default made once, and kept in the state; stack output coreServiceSecrets */
  secrets: z.record(z.string().min(1), secretTextSchema.regex(/^\P{Cc}*$/u, "one line of text")).default({}),
  /** Servers that reach it, under its name: it joins the network of each. */
  servers: z.array(serverNameSchema).default([]),
  /** Keys of `networks`, for services that reach it. */
  networks: z.array(serverNameSchema).default([]),
  /** Published on the host's loopback under this port. @default not at all */
  hostPort: z.int().min(1).max(65535).optional(),
});

export interface CoreServiceConfig {
  name: string;
  kind: CoreServiceKind;
  limits: Limits;
  /** File name → value; secret. */
  secrets: Readonly<Record<string, string>>;
  servers: readonly string[];
  /** Keys of the settings' `networks`. */
  networks: readonly string[];
  hostPort: number | undefined;
}

export function resolveCoreServices(
  settings: Readonly<Record<string, z.infer<typeof coreServiceSettingsSchema>>>,
): CoreServiceConfig[] {
  return Object.entries(settings).map(([name, { kind: kindName, limits, hostPort, ...rest }]) => {
    const kind = coreServiceKinds.get(kindName);
    if (!kind) throw new Error(`${kindName}: the schema knows a kind that is not there`);
    return { ...rest, name, kind, hostPort, limits: { ...kind.limits, ...definedOnly(limits) } };
  });
}

/** What must hold between sections of the settings. */
export interface CoreServiceSurroundings {
  namespace: string;
  /** Every other name of the estate. */
  taken: ReadonlySet<string>;
  networks: readonly string[];
  gatewayPort: number;
  servers: ReadonlyArray<{
    name: string;
    instances: number;
    hasVolumes: boolean;
    egress: number;
    env: Readonly<Record<string, string>>;
    secretEnv: Readonly<Record<string, string>>;
  }>;
}

/** One line per fault: key, value given, what is allowed. */
export function coreServiceFaults(
  services: readonly CoreServiceConfig[],
  { namespace, taken, networks, gatewayPort, servers }: CoreServiceSurroundings,
): string[] {
  const names = servers.map(({ name }) => name);
  const faults = services.flatMap(({ name, kind, secrets, servers: callers, networks: joined }) => {
    const key = `${namespace}:coreServices.${name}`;
    const unknown = Object.keys(secrets).filter((each) => !(each in kind.secrets));
    return [
      ...(taken.has(name) ? [`${key}: "${name}" is the name of another part of the estate; give another`] : []),
      ...unknown.map(
        (each) =>
          `${key}.secrets.${each}: unknown; ${kind.name} takes ${Object.keys(kind.secrets).join(", ") || "none"}`,
      ),
      ...callers
        .filter((each) => !names.includes(each))
        .map((each) => `${key}.servers: there is no server "${each}"; known are ${names.join(", ")}`),
      ...joined
        .filter((network) => !networks.includes(network))
        .map(
          (network) =>
            `${key}.networks: there is no network "${network}" in ${namespace}:networks; known are ${networks.join(", ") || "none"}`,
        ),
    ];
  });
  const users = new Map([[gatewayPort, "the gateway"]]);
  for (const { name, hostPort } of services) {
    if (hostPort === undefined) continue;
    const user = users.get(hostPort);
    if (user) faults.push(`${namespace}:coreServices.${name}.hostPort: ${hostPort} is that of ${user}; give another`);
    users.set(hostPort, `core service ${name}`);
  }
  for (const { name, instances, hasVolumes, egress } of servers) {
    const joining = services.filter(({ servers: callers }) => callers.includes(name)).map((service) => service.name);
    const places = networkPlaces({ instances, mayRunTwice: mayRunTwice({ hasVolumes, instances }) });
    const wanted = joining.length + (egress > 0 ? 1 : 0);
    if (joining.length === 0 || wanted <= places) continue;
    faults.push(
      `${namespace}:servers.${name}: ${[...joining, ...(egress > 0 ? ["egress"] : [])].join(", ")} are to join its network, which has addresses for ${places} beside the gateway and its ${instances === 1 ? "container" : "containers"}`,
    );
  }
  return [...faults, ...servers.flatMap((server) => referenceFaults(server, services, namespace))];
}

/** `${SERVICE.SECRET}` in the variables of a server. */
function referenceFaults(
  { name, env, secretEnv }: CoreServiceSurroundings["servers"][number],
  services: readonly CoreServiceConfig[],
  namespace: string,
): string[] {
  const key = `${namespace}:servers.${name}`;
  const clear = Object.entries(env).filter(([, value]) => referencesIn(value).length > 0);
  const references = Object.entries(secretEnv).flatMap(([variable, value]) =>
    referencesIn(value).map((reference) => ({ variable, ...reference })),
  );
  return [
    ...clear.map(
      ([variable]) => `${key}.env.${variable}: names a secret of a core service; secretEnv is the place for it`,
    ),
    ...references.flatMap(({ variable, service: wanted, secret }) => {
      const where = `${key}.secretEnv.${variable}`;
      const service = services.find((each) => each.name === wanted);
      if (!service) {
        const known = services.map((each) => each.name).join(", ") || "none";
        return [`${where}: there is no core service "${wanted}"; known are ${known}`];
      }
      if (!(secret in service.kind.secrets)) {
        return [
          `${where}: ${wanted} has no secret "${secret}"; it has ${Object.keys(service.kind.secrets).join(", ") || "none"}`,
        ];
      }
      if (service.servers.includes(name)) return [];
      return [
        `${where}: names a secret of ${wanted}, which it does not reach; ${namespace}:coreServices.${wanted}.servers: [${name}]`,
      ];
    }),
  ];
}
