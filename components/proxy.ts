import * as pulumi from "@pulumi/pulumi";
import type { Limits } from "../runtime/contract/index.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { EstateNetwork } from "./estateNetwork.ts";
import type { ImageRecipe } from "./imageRecipe.ts";
import { uidOf } from "./naming.ts";
import type { EffectiveLimits } from "./providers/processLimit.ts";
import { readinessProbe } from "./readinessProbe.ts";
import type { Target, WorkloadSpec } from "./targets/index.ts";

export interface ProxyArgs {
  target: Target;
  health: EstateConfig["health"];
  /** /29 of the network on which the proxy has the outside. */
  subnet: string;
  /** Image with the account that it runs as. */
  recipe: (account: { user: number }) => ImageRecipe;
  limits: Limits;
  /** Networks inside, on which it is found by its component's name. */
  networks: ReadonlyArray<pulumi.Input<string>>;
  /** @default none */
  ports?: WorkloadSpec["ports"];
  /** Size of /tmp. */
  scratchMiB: number;
  /** It is told the node that it runs on, by a target that has several. @default false */
  knowsNode?: boolean;
  /** What answers when all is well. */
  probe: { path: string; port: number };
  /** Its configuration, and what else is secret: file name → content. */
  files: WorkloadSpec["secrets"];
}

/** It holds no call back: what it has in hand at its end is in others'. */
const STOP_SECONDS = 10;

/**
 * A program of Debian's between the estate and the outside: a network of its own, an image, and one container, which reads its
 * configuration again while it runs.
 */
export abstract class Proxy extends pulumi.ComponentResource {
  readonly imageId: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;
  /** Limits in force, as the last update found them. */
  readonly effective: pulumi.Output<EffectiveLimits>;

  /** @param type type token of the component. */
  constructor(type: string, name: string, args: ProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    super(type, name, {}, opts);
    const { target, subnet, limits, ports = [], scratchMiB, knowsNode = false, probe, files } = args;
    const user = uidOf(target.owner, name);
    const parent = { parent: this };
    const outside = new EstateNetwork(name, { target, component: name, subnet, kind: "edge" }, parent);
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
        networks: [outside.networkName, ...args.networks].map((network) => ({ network, aliases: [name] })),
        ports,
        mounts: [],
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
