import * as pulumi from "@pulumi/pulumi";
import type { Limits } from "../runtime/contract/index.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { EstateNetwork } from "./estateNetwork.ts";
import type { ImageRecipe } from "./imageRecipe.ts";
import { uidOf } from "./naming.ts";
import type { EffectiveLimits } from "./providers/processLimit.ts";
import { readinessProbe } from "./readinessProbe.ts";
import { StateVolume } from "./stateVolume.ts";
import type { ProbeSpec, Target, WorkloadSpec } from "./targets/index.ts";

export interface PackagedProgramArgs {
  target: Target;
  health: EstateConfig["health"];
  /** /29 of its own network. */
  subnet: string;
  /** Whether that network has the outside. @default "edge": it has */
  networkKind?: "edge" | "internal";
  /** Image with the account that it runs as. */
  recipe: (account: { user: number }) => ImageRecipe;
  limits: Limits;
  /** Further networks, on which it is found by its component's name. */
  networks: ReadonlyArray<pulumi.Input<string>>;
  /** @default none */
  ports?: WorkloadSpec["ports"];
  /** Size of /tmp. */
  scratchMiB: number;
  /** It may use System V's shared memory. @default false */
  sharedMemory?: boolean;
  /** It is told the node that it runs on, by a target that has several. @default false */
  knowsNode?: boolean;
  /** Where its data lies, on a volume that outlives it. @default none */
  dataPath?: string;
  /** The engine refuses to remove that volume. @default false */
  protectVolumes?: boolean;
  /** What answers when all is well: a page, or a command that ends with 0. */
  probe: { path: string; port: number } | { command: readonly string[] };
  /** Seconds until its probe must say so after a start. @default not waited for */
  readySeconds?: number;
  /** Seconds that it gets to end by itself. @default 10: it holds no call back, what it has in hand at its end is in others' */
  stopSeconds?: number;
  /** Its configuration, and what else is secret: file name → content. */
  files: WorkloadSpec["secrets"];
}

const STOP_SECONDS = 10;

/**
 * A program of others': a network of its own, an image, and one container, which reads its configuration again while it
 * runs.
 */
export abstract class PackagedProgram extends pulumi.ComponentResource {
  readonly imageId: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;
  /** Its own network. */
  readonly networkName: pulumi.Output<string>;
  /** Limits in force, as the last update found them. */
  readonly effective: pulumi.Output<EffectiveLimits>;
  /** Depend on this to depend on it running, and ready where that is waited for. */
  readonly running: pulumi.Resource;

  /** @param type type token of the component. */
  constructor(type: string, name: string, args: PackagedProgramArgs, opts?: pulumi.ComponentResourceOptions) {
    super(type, name, {}, opts);
    const {
      target,
      subnet,
      networkKind: kind = "edge",
      limits,
      ports = [],
      scratchMiB,
      knowsNode = false,
      files,
    } = args;
    const { readySeconds, stopSeconds = STOP_SECONDS } = args;
    const user = uidOf(target.owner, name);
    const probe = probeOf(args);
    const parent = { parent: this };
    this.networkName = new EstateNetwork(name, { target, component: name, subnet, kind }, parent).networkName;
    this.imageId = target.image(name, args.recipe({ user }), parent);
    const workload = target.workload(
      name,
      {
        component: name,
        hostname: name,
        image: this.imageId,
        user,
        group: user,
        limits,
        networks: [this.networkName, ...args.networks].map((network) => ({ network, aliases: [name] })),
        ports,
        mounts: dataMounts(name, args, parent),
        hostPaths: [],
        scratchMiB: { "/tmp": scratchMiB },
        probe,
        ...(readySeconds === undefined ? {} : { readySeconds, readyCommand: probe.command }),
        contract: JSON.stringify({ version: 1, limits }),
        onNewContract: "reload",
        supervised: false,
        // Two cannot publish one port, and a server's network has no address to spare for a second one.
        newBesideOld: false,
        stopSeconds,
        secrets: files,
        closed: false,
        ...(args.sharedMemory ? { sharedMemory: true } : {}),
        knowsNode,
        replicas: 1,
        placement: undefined,
      },
      parent,
    );
    this.containerId = workload.containerId;
    this.effective = workload.effective;
    this.running = workload.running;
  }
}

function probeOf({ health, probe }: PackagedProgramArgs): ProbeSpec {
  if ("path" in probe) return readinessProbe(health, probe.path, probe.port);
  return { ...readinessProbe(health), command: probe.command };
}

function dataMounts(
  name: string,
  { target, dataPath, protectVolumes: protect = false }: PackagedProgramArgs,
  opts: pulumi.ComponentResourceOptions,
): WorkloadSpec["mounts"] {
  if (dataPath === undefined) return [];
  const { volumeName } = new StateVolume(`${name}-data`, { target, component: name, protect }, opts);
  return [{ volume: volumeName, path: dataPath }];
}
