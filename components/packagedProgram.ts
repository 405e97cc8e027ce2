import * as pulumi from "@pulumi/pulumi";
import type { Limits } from "../runtime/contract/index.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { EstateNetwork } from "./estateNetwork.ts";
import type { ImageRecipe } from "./imageRecipe.ts";
import { uidOf } from "./naming.ts";
import type { EffectiveLimits } from "./providers/processLimit.ts";
import { readinessProbe } from "./readinessProbe.ts";
import { StateVolume } from "./stateVolume.ts";
import type { Target, WorkloadSpec } from "./targets/index.ts";

export interface PackagedProgramArgs {
  target: Target;
  health: EstateConfig["health"];
  /** /29 of the network on which it has the outside. */
  subnet: string;
  /** Image with the account that it runs as. */
  recipe: (account: { user: number }) => ImageRecipe;
  limits: Limits;
  /** Further networks, on which it is found by its component's name. */
  networks: ReadonlyArray<pulumi.Input<string>>;
  /** @default none */
  ports?: WorkloadSpec["ports"];
  /** Size of /tmp. */
  scratchMiB: number;
  /** It is told the node that it runs on, by a target that has several. @default false */
  knowsNode?: boolean;
  /** Where its data lies, on a volume that outlives it. @default none */
  dataPath?: string;
  /** The engine refuses to remove that volume. @default false */
  protectVolumes?: boolean;
  /** What answers when all is well. */
  probe: { path: string; port: number };
  /** Its configuration, and what else is secret: file name → content. */
  files: WorkloadSpec["secrets"];
}

/** It holds no call back: what it has in hand at its end is in others'. */
const STOP_SECONDS = 10;

/**
 * A program of Debian's: a network of its own on which it has the outside, an image, and one container, which reads its
 * configuration again while it runs.
 */
export abstract class PackagedProgram extends pulumi.ComponentResource {
  readonly imageId: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;
  /** Network on which it has the outside. */
  readonly networkName: pulumi.Output<string>;
  /** Limits in force, as the last update found them. */
  readonly effective: pulumi.Output<EffectiveLimits>;

  /** @param type type token of the component. */
  constructor(type: string, name: string, args: PackagedProgramArgs, opts?: pulumi.ComponentResourceOptions) {
    super(type, name, {}, opts);
    const { target, subnet, limits, ports = [], scratchMiB, knowsNode = false, probe, files } = args;
    const user = uidOf(target.owner, name);
    const parent = { parent: this };
    this.networkName = new EstateNetwork(name, { target, component: name, subnet, kind: "edge" }, parent).networkName;
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
        probe: readinessProbe(args.health, probe.path, probe.port),
        contract: JSON.stringify({ version: 1, limits }),
        onNewContract: "reload",
        supervised: false,
        // Two cannot publish one port, and a server's network has no address to spare for a second one.
        newBesideOld: false,
        stopSeconds: STOP_SECONDS,
        secrets: files,
        closed: false,
        knowsNode,
        replicas: 1,
        placement: undefined,
      },
      parent,
    );
    this.containerId = workload.containerId;
    this.effective = workload.effective;
  }
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
