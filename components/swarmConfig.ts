import { z } from "zod";
import type { GpuNeed } from "./gpus.ts";
import { isConstraint } from "./providers/swarm/placement.ts";

const constraint = z
  .string()
  .refine(isConstraint, "node.labels.NAME, node.hostname, node.role or node.id, with == or != and a value");

/** Where the tasks of a server or of the gateway may run; of the swarm target alone. */
export const placementSchema = z.strictObject({
  /** Each must hold; a node that takes tasks must satisfy them all. */
  constraints: z.array(constraint).default([]),
  /** Each holds as long as there is such a node, for example `node.labels.type==gpu`; else tasks run anywhere. */
  preferences: z.array(constraint).default([]),
  /** Processors that its node must have free for each task; a plain Docker host knows no such thing. */
  cpuReservation: z.number().min(0).default(0),
});

const nodeSchema = z.strictObject({
  /** How its Docker is reached: ssh://user@host, tcp://host:port or unix:///path. @default the connected Docker */
  host: z
    .string()
    .regex(/^(?:ssh|tcp|unix):\/\//, "ssh://user@host, tcp://host:port or unix:///path")
    .optional(),
  /** Labels that it has in the swarm. */
  labels: z.record(z.string().min(1), z.string()).default({}),
});

export const swarmSchema = z.strictObject({
  /** Host name in the swarm → how it is reached. @default none: the swarm is one node, the connected Docker */
  nodes: z.record(z.string().min(1), nodeSchema).default({}),
  /** Host name of the node that holds the volumes of servers; needed where there are several nodes. */
  dataNode: z.string().optional(),
  /** Let containers that nobody declared join the networks (R-NET-03). */
  attachable: z.boolean().default(false),
  /** Encrypt what goes between nodes. */
  encrypted: z.boolean().default(false),
  /** How long a new task is watched before an update goes on, in seconds (R-TGT-05). */
  monitorSeconds: z.number().min(1).max(600).default(30),
  /** How long the tasks of a service may take to be well, in seconds. */
  timeoutSeconds: z.number().min(10).max(1800).default(180),
});

export type PlacementConfig = z.infer<typeof placementSchema>;
export type SwarmConfig = z.infer<typeof swarmSchema>;

/** What must hold of a node that runs a server: what the settings say, and where its data is. */
export function constraintsOf(
  { placement, hasVolumes }: { placement: PlacementConfig | undefined; hasVolumes: boolean },
  { dataNode }: Pick<SwarmConfig, "dataNode">,
): string[] {
  const kept = hasVolumes && dataNode !== undefined ? [`node.hostname==${dataNode}`] : [];
  return [...(placement?.constraints ?? []), ...kept];
}

/** What of the settings only one of the targets knows. */
interface TargetSettings {
  target: "docker" | "swarm";
  swarm: SwarmConfig | undefined;
  gateway: { replicas: number; placement?: PlacementConfig | undefined; bind: string };
  servers: ReadonlyArray<{
    name: string;
    hasVolumes: boolean;
    placement: PlacementConfig | undefined;
    gpu: GpuNeed;
    egress: number;
    hostPaths: number;
  }>;
  /** Keys of services, core services and networks of the user's own. */
  services: readonly string[];
  coreServices: readonly string[];
  networks: readonly string[];
}

/** A line for each setting that the target cannot express, and for each that it needs (R-TGT-07). */
export function targetFaults(settings: TargetSettings, namespace: string): string[] {
  return settings.target === "docker" ? dockerFaults(settings, namespace) : swarmFaults(settings, namespace);
}

function dockerFaults({ swarm, gateway, servers }: TargetSettings, namespace: string): string[] {
  const faults: string[] = [];
  const only = "target docker is one host; set mcp-estate:target to swarm, or take it out";
  if (swarm) faults.push(`${namespace}:swarm: given; ${only}`);
  if (gateway.replicas > 1) faults.push(`${namespace}:gateway.replicas: ${gateway.replicas} given; ${only}`);
  if (gateway.placement) faults.push(`${namespace}:gateway.placement: given; ${only}`);
  for (const { name, placement, gpu } of servers) {
    if (placement) faults.push(`${namespace}:servers.${name}.placement: given; ${only}`);
    if (gpu === "required") {
      faults.push(
        `${namespace}:servers.${name}.gpu: required given; target docker gives no container a GPU: set it to preferred, or mcp-estate:target to swarm`,
      );
    }
  }
  return faults;
}

function swarmFaults(settings: TargetSettings, namespace: string): string[] {
  const { swarm, gateway, servers, services, coreServices, networks } = settings;
  const faults: string[] = [];
  const nodes = Object.keys(swarm?.nodes ?? {});
  const keeping = servers.filter(({ hasVolumes }) => hasVolumes).map(({ name }) => name);
  if (nodes.length > 1 && keeping.length > 0 && swarm?.dataNode === undefined) {
    faults.push(
      `${namespace}:swarm.dataNode: nothing given; ${keeping.join(", ")} keep data in volumes, which stay on one node: name one of ${nodes.join(", ")}`,
    );
  }
  if (swarm?.dataNode !== undefined && nodes.length > 0 && !nodes.includes(swarm.dataNode)) {
    faults.push(`${namespace}:swarm.dataNode: "${swarm.dataNode}" given; allowed are ${nodes.join(", ")}`);
  }
  if (gateway.bind === "127.0.0.1") {
    faults.push(
      `${namespace}:gateway.bind: 127.0.0.1 given; a swarm publishes on every address of each node: give the address of a node under which you call, and gateway.tls`,
    );
  }
  for (const { name, egress, hostPaths } of servers) {
    if (hostPaths > 0)
      faults.push(`${namespace}:servers.${name}.hostPaths: given; target swarm mounts nothing of its nodes yet`);
    if (egress > 0)
      faults.push(`${namespace}:servers.${name}.egress: given; target swarm has no way out for servers yet`);
  }
  for (const name of services)
    faults.push(`${namespace}:services.${name}: given; target swarm runs no such services yet`);
  for (const name of coreServices)
    faults.push(`${namespace}:coreServices.${name}: given; target swarm runs no such services yet`);
  for (const name of networks)
    faults.push(`${namespace}:networks.${name}: given; target swarm makes no such networks yet`);
  return faults;
}
