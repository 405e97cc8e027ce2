import { z } from "zod";
import type { Limits } from "../runtime/contract/index.ts";
import { unavailable, type CatalogueEntry } from "./catalogue/index.ts";
import { parseTarget, type EgressTarget } from "./egressConfig.ts";
import { MAX_EGRESS_INSTANCES, MAX_INSTANCES } from "./instances.ts";
import { limitClasses, limitClassNames } from "./limitClasses.ts";
import { contradictions, definedOnly, limitsOverrideSchema } from "./limitSettings.ts";
import { gpuNeedSchema, type GpuNeed } from "./gpus.ts";
import { loopbackFaults } from "./peerAddresses.ts";
import { mountFaults, serverHostPathSchema, type ServerHostPath } from "./serverMounts.ts";
import { entryOf, programFaults, serverProgramSchema, type ServerEntry } from "./serverProgram.ts";
import { secretVariableSchema } from "./secretReferences.ts";
import { placementSchema, type PlacementConfig } from "./swarmConfig.ts";

/** One MCP server in the stack's settings; `{}` takes everything from the catalogue. */
export const serverSettingsSchema = z.strictObject({
  /** Catalogue entry. @default the server's own name */
  from: z.string().optional(),
  /** In place of a catalogue entry. @default none */
  program: serverProgramSchema.optional(),
  limitClass: z.enum(limitClassNames).optional(),
  limits: limitsOverrideSchema.optional(),
  /** Arguments after the catalogue's command. */
  args: z.array(z.string()).default([]),
  /** Environment of the child, over the catalogue's. Never secrets. */
  env: z.record(z.string(), z.string()).default({}),
  /**
   * Environment of the child whose values are encrypted: files in the container, an environment only in the child.
   * `${SERVICE.SECRET}` stands for a password of a core service.
   */
  secretEnv: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/, "a name of a variable: letters, digits and '_'"), secretVariableSchema)
    .default({}),
  /**
   * Places outside that it may reach, `HOST:PORT`, with `*.` before a domain for all names below it. Its child goes there
   * through the estate's proxy, which the usual variables name. @default none: it reaches nothing
   */
  egress: z
    .array(z.string().refine((text) => parseTarget(text) !== undefined, "HOST:PORT, for example example.org:443"))
    .default([]),
  /** Files and folders of the host that it sees, read-only unless said otherwise. */
  hostPaths: z.array(serverHostPathSchema).default([]),
  sharing: z.enum(["shared", "isolated"]).optional(),
  /** Containers that share the calls; the limits hold for each. More than one only without volumes. */
  instances: z.int().min(1).max(MAX_INSTANCES).default(1),
  /** Tools that may run twice: a call that was lost with its container is done once more. @default the catalogue's */
  repeatableTools: z.array(z.string().min(1)).optional(),
  /** stopped and quarantined: declared, but its child does not run; quarantined counts as a fault (R-ARC-07). */
  state: z.enum(["running", "stopped", "quarantined"]).default("running"),
  /** Where its tasks run in a swarm. @default anywhere */
  placement: placementSchema.optional(),
  /** Whether each of its containers has a GPU of its own. @default none */
  gpu: gpuNeedSchema.default("none"),
  /** Tools whose calls go to containers that have one, as long as one of those is well (R-GW-10). */
  gpuTools: z.array(z.string().min(1)).default([]),
});

/** A server with every question answered. */
export interface ServerConfig {
  name: string;
  entry: ServerEntry;
  limits: Limits;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Variable → value; secret. */
  secretEnv: Readonly<Record<string, string>>;
  egress: readonly EgressTarget[];
  hostPaths: readonly ServerHostPath[];
  sharing: "shared" | "isolated";
  instances: number;
  repeatableTools: readonly string[];
  state: "running" | "stopped" | "quarantined";
  placement: PlacementConfig | undefined;
  gpu: GpuNeed;
  gpuTools: readonly string[];
}

type ServerSettings = z.infer<typeof serverSettingsSchema>;

/** The entry, or what is wrong with what is asked for. */
function fromCatalogue(
  wanted: string,
  catalogue: ReadonlyMap<string, CatalogueEntry>,
  key: string,
): ServerEntry | string[] {
  const missing = unavailable.get(wanted);
  if (missing !== undefined) return [`${key}: "${wanted}" is not to be had: ${missing}; take it out`];
  const known = [...catalogue.keys()].join(", ");
  return (
    catalogue.get(wanted) ?? [
      `${key}: there is no server "${wanted}" in the catalogue; known are ${known}; program: declares another`,
    ]
  );
}

function programOf(name: string, { program, from }: ServerSettings, key: string): ServerEntry | string[] {
  if (!program) return [];
  if (from !== undefined) return [`${key}: from and program are both given; one of the two is allowed`];
  const faults = programFaults(program, `${key}.program`);
  return faults.length > 0 ? faults : entryOf(name, program);
}

/**
 * Answers every open question of the servers from the catalogue.
 * @param reserved names of the estate's own components.
 * @returns also one line for each fault: key, value given, what is allowed.
 */
export function resolveServers(
  servers: Readonly<Record<string, ServerSettings>>,
  catalogue: ReadonlyMap<string, CatalogueEntry>,
  { namespace, reserved }: { namespace: string; reserved: readonly string[] },
): { resolved: ServerConfig[]; faults: string[] } {
  const faults: string[] = [];
  const resolved: ServerConfig[] = [];
  for (const [name, server] of Object.entries(servers)) {
    const key = `${namespace}:servers.${name}`;
    if (reserved.includes(name)) {
      faults.push(`${key}: "${name}" is the estate's own; give the server another name and set from: ${name}`);
      continue;
    }
    const entry = server.program ? programOf(name, server, key) : fromCatalogue(server.from ?? name, catalogue, key);
    if (Array.isArray(entry)) {
      faults.push(...entry);
      continue;
    }
    const { args, env, gpu, gpuTools, instances, placement, secretEnv, state } = server;
    const { repeatableTools = entry.repeatableTools ?? [] } = server;
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
    if (gpuTools.length > 0 && gpu === "none") {
      faults.push(
        `${key}.gpuTools: ${gpuTools.join(", ")} given, and the server has no GPU: set ${key}.gpu to preferred or required`,
      );
    }
    if (gpuTools.length > 0 && instances > 1 && (server.sharing ?? entry.sharing) === "isolated") {
      faults.push(
        `${key}.gpuTools: ${gpuTools.join(", ")} given; calls of an isolated server go where their caller's state is: set ${key}.sharing to shared, or instances to 1`,
      );
    }
    faults.push(...mountFaults(server.hostPaths, entry.volumes ?? [], key));
    const sharing = server.sharing ?? entry.sharing;
    const { hostPaths } = server;
    const settings = { egress, hostPaths, args, env, secretEnv, state, sharing, instances, placement, repeatableTools };
    resolved.push({ name, entry, limits, gpu, gpuTools, ...settings });
  }
  if (resolved.length === 0 && faults.length === 0) {
    faults.push(
      `${namespace}:servers: no server is declared; name at least one of ${[...catalogue.keys()].join(", ")}`,
    );
  }
  return { resolved, faults };
}
