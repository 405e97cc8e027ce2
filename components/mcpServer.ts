import * as pulumi from "@pulumi/pulumi";
import { SERVICE_PORT, type GatewayServer, type Limits, type ServerContract } from "../runtime/contract/index.ts";
import type { CatalogueEntry } from "./catalogue/index.ts";
import type { HealthSettings } from "./estateConfig.ts";
import type { ServerConfig } from "./serverConfig.ts";
import { isForeign, type ServerEntry } from "./serverProgram.ts";
import { egressEnv } from "./egressConfig.ts";
import { EstateNetwork } from "./estateNetwork.ts";
import type { GpuClaim } from "./gpus.ts";
import { graftedServerRecipe } from "./graftRecipe.ts";
import { serverRecipe, type ImageRecipe, type ServerRecipeArgs } from "./imageRecipe.ts";
import { instanceNames, mayRunTwice } from "./instances.ts";
import { uidOf, type Owner } from "./naming.ts";
import type { EffectiveLimits } from "./providers/processLimit.ts";
import { readinessProbe } from "./readinessProbe.ts";
import { StateVolume } from "./stateVolume.ts";
import type { Target, WorkloadSpec } from "./targets/index.ts";

export interface McpServerArgs {
  target: Target;
  server: ServerConfig;
  health: HealthSettings;
  /** How long it may take to give its first good answer after a start, in seconds. */
  readySeconds: number;
  /** /29 of the server's own network. */
  subnet: string;
  /** Whether its data volumes are protected from removal. @default false, what `down` leaves lies there anyway */
  protectVolumes?: boolean;
  /** Values of its secret variables, where those of the settings only name others. @default as in the settings */
  secretEnv?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Instance → its claim on a GPU, of those that ask for one. @default none does */
  gpus?: ReadonlyMap<string, GpuClaim>;
  /** What must be ready before it starts; a promise, as that may join its network. @default nothing */
  after?: Promise<pulumi.Resource[]>;
}

/** Seconds a tool call may take before the supervisor answers with a time-out; inside the gateway's 30 (R-TRN-05). */
const CALL_TIMEOUT_SECONDS = 29;
/** The supervisor needs under 6 for a child that ignores TERM. */
const STOP_SECONDS = 10;
/** MiB of writable scratch space at /tmp; it counts against the memory limit. */
const SCRATCH_MIB = 64;

/**
 * One MCP server: its image, its network, its volumes and its containers, with all limits in force before they start.
 *
 * @example
 * new McpServer("memory", { target, server, health, subnet: "10.201.0.8/29" });
 */
export class McpServer extends pulumi.ComponentResource {
  /** Network on which the gateway finds the server. */
  readonly networkName: pulumi.Output<string>;
  /** How the gateway reaches it. */
  readonly route: pulumi.Output<GatewayServer>;
  readonly imageId: pulumi.Output<string>;
  /** Instance → id of its container. */
  readonly containerIds: Readonly<Record<string, pulumi.Output<string>>>;
  /** Instance → limits in force, as the last update found them. */
  readonly effective: Readonly<Record<string, pulumi.Output<EffectiveLimits>>>;

  constructor(name: string, args: McpServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:McpServer", name, {}, opts);
    const { target, server } = args;
    const user = uidOf(target.owner, server.name);

    this.networkName = this.createNetwork(name, args);
    const mounts = this.createVolumes(name, args);
    this.imageId = this.buildImage(name, args, user);
    const contract = JSON.stringify(serverContract(target.owner, server, args.health), null, 2);
    const workloads = instanceNames(server).map((instance) => {
      const spec: WorkloadSpec = {
        component: server.name,
        hostname: instance,
        image: this.imageId,
        // nproc counts per uid, so each has one of its own
        user: uidOf(target.owner, instance),
        group: user,
        limits: server.limits,
        networks: [{ network: this.networkName, aliases: [instance] }],
        ports: [],
        mounts,
        hostPaths: server.hostPaths,
        scratchMiB: { "/tmp": SCRATCH_MIB },
        probe: readinessProbe(args.health),
        contract,
        // A server that does not start with it must not take the old one's place.
        onNewContract: isReplaceable(server) ? "replace" : "reload",
        supervised: true,
        ...(server.state === "running" ? { readySeconds: args.readySeconds } : {}),
        newBesideOld: isReplaceable(server),
        stopSeconds: STOP_SECONDS,
        secrets: args.secretEnv ?? server.secretEnv,
        closed: true,
        knowsNode: false,
        replicas: 1,
        placement: server.placement,
        gpu: args.gpus?.get(instance),
      };
      const after = args.after ? { dependsOn: args.after } : {};
      return { instance, ...target.workload(instance, spec, { parent: this, ...after }) };
    });
    this.containerIds = Object.fromEntries(workloads.map(({ instance, containerId }) => [instance, containerId]));
    this.effective = Object.fromEntries(workloads.map(({ instance, effective }) => [instance, effective]));
    this.route = routeOf(
      args,
      workloads.map(({ instance, address, hasGpu }) => ({
        name: instance,
        host: isReplaceable(server) ? address : instance,
        ...(args.gpus?.has(instance) ? { gpu: hasGpu } : {}),
      })),
    );
    this.registerOutputs({
      networkName: this.networkName,
      imageId: this.imageId,
      containerIds: this.containerIds,
      effective: this.effective,
    });
  }

  private createNetwork(name: string, { target, server, subnet }: McpServerArgs): pulumi.Output<string> {
    const args = { target, component: server.name, subnet, kind: "internal" as const };
    return new EstateNetwork(name, args, { parent: this }).networkName;
  }

  private createVolumes(name: string, { target, server, protectVolumes: protect = false }: McpServerArgs) {
    return (server.entry.volumes ?? []).map((volume) => ({
      volume: new StateVolume(`${name}-${volume.name}`, { target, component: server.name, protect }, { parent: this })
        .volumeName,
      path: volume.path,
    }));
  }

  private buildImage(name: string, { target, server }: McpServerArgs, user: number): pulumi.Output<string> {
    return target.image(name, recipeOf(server.name, server.entry, user), { parent: this });
  }
}

/** The image of a server. @throws Error when a file that goes in cannot be read. */
export function recipeOf(name: string, entry: ServerEntry, user: number): ImageRecipe {
  const { package: source, command, volumes = [] } = entry;
  if (!isForeign(source)) return serverRecipe({ ...recipeArgsOf({ ...entry, package: source }), name, user });
  const onto = source.ecosystem === "image" ? { image: source.name } : { dockerfile: source.name };
  return graftedServerRecipe({ name, onto, user, mountPoints: volumes.map(({ path }) => path), command });
}

/** What an entry says of its image. */
export function recipeArgsOf({
  runtime,
  debianPackages,
  package: { ecosystem, lockFolder, allowScripts, withoutOptional },
  volumes = [],
  command,
  files,
}: CatalogueEntry): Omit<ServerRecipeArgs, "name" | "user"> {
  return {
    ...{ runtime, ecosystem, lockFolder, command, mountPoints: volumes.map(({ path }) => path) },
    ...(debianPackages ? { debianPackages } : {}),
    ...(allowScripts ? { allowScripts } : {}),
    ...(withoutOptional ? { withoutOptional } : {}),
    ...(files ? { files } : {}),
  };
}

/** Tasks and MiB of one Node 24 child, the larger of the measured runtimes. */
const CHILD = { tasks: 7, memoryMiB: 70 };
/** Tasks and MiB of the init, the supervisor and a probe. */
const OVERHEAD = { tasks: 9, memoryMiB: 64 };

/**
 * Children of sessions that fit into the limits beside the one that answers probes; at least one.
 * Only an isolated server has them.
 */
export function maxChildren({ pids, memoryMiB }: Limits): number {
  const byTasks = Math.floor((pids - OVERHEAD.tasks) / CHILD.tasks);
  const byMemory = Math.floor((memoryMiB - OVERHEAD.memoryMiB) / CHILD.memoryMiB);
  return Math.max(1, Math.min(byTasks, byMemory) - 1);
}

function isReplaceable({ entry, instances }: ServerConfig): boolean {
  return mayRunTwice({ hasVolumes: entry.volumes !== undefined, instances });
}

/** What the gateway is told. @param places where each instance is found: the very container while a new one may run beside the old. */
function routeOf(
  { server }: McpServerArgs,
  places: ReadonlyArray<{ name: string; host: pulumi.Input<string>; gpu?: pulumi.Input<boolean> }>,
): pulumi.Output<GatewayServer> {
  return pulumi.output({
    name: server.name,
    instances: places.map(({ name, host, ...gpu }) => ({
      ...{ name, url: pulumi.interpolate`http://${host}:${SERVICE_PORT}` },
      ...gpu,
    })),
    transport: server.entry.transport,
    serverVersion: server.entry.package.version,
    sharing: server.sharing,
    repeatableTools: [...server.repeatableTools],
    ...(server.gpuTools.length > 0 ? { gpuTools: [...server.gpuTools] } : {}),
    ...(server.entry.proof === undefined ? { listsOnly: true } : {}),
  });
}

/** Where our images have programs; others' say so themselves. */
function ownEnv(entry: ServerEntry): Record<string, string> {
  return isForeign(entry.package) ? {} : { PATH: "/usr/local/bin:/usr/bin:/bin" };
}

/** Only for who may go out: the others would look for a proxy that is not there. */
function proxyEnv({ egress }: ServerConfig): Record<string, string> {
  return egress.length > 0 ? egressEnv() : {};
}

/** What the supervisor of a server is told. */
export function serverContract({ estate, stack }: Owner, server: ServerConfig, health: HealthSettings): ServerContract {
  const { entry } = server;
  return {
    version: 1,
    estate,
    stack,
    name: server.name,
    serverVersion: entry.package.version,
    transport: entry.transport,
    command: [...entry.command, ...server.args],
    cwd: entry.cwd ?? "/app",
    env: { ...ownEnv(entry), HOME: "/tmp", ...proxyEnv(server), ...entry.env, ...server.env },
    ...(isForeign(entry.package) ? { imageEnv: true } : {}),
    // Each value is a file of its variable's name.
    secretEnv: Object.fromEntries(Object.keys(server.secretEnv).map((variable) => [variable, variable])),
    sharing: server.sharing,
    maxChildren: maxChildren(server.limits),
    desiredState: server.state,
    limits: server.limits,
    proof: entry.proof,
    health,
    callTimeoutSeconds: CALL_TIMEOUT_SECONDS,
  };
}
