import * as pulumi from "@pulumi/pulumi";
import { EGRESS_PORT, egressConfig, type EgressServer } from "./egressConfig.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { EstateNetwork } from "./estateNetwork.ts";
import { EGRESS_CONFIG_NAME, egressRecipe } from "./imageRecipe.ts";
import { proxyLimits as limits } from "./limitClasses.ts";
import { uidOf } from "./naming.ts";
import type { EffectiveLimits } from "./providers/processLimit.ts";
import { readinessProbe } from "./readinessProbe.ts";
import type { Target } from "./targets/index.ts";

export interface EgressArgs {
  target: Target;
  health: EstateConfig["health"];
  /** /29 of the network on which the proxy has the outside. */
  subnet: string;
  /** Those that reach something outside, with the networks on which they find the proxy. */
  servers: ReadonlyArray<EgressServer & { networkName: pulumi.Input<string> }>;
}

const STOP_SECONDS = 10;
const SCRATCH_MIB = 16;

/**
 * The one way out: Squid, which lets each server reach the places that it declares and nothing else
 * (docs/adr/0017-egress.md).
 */
export class Egress extends pulumi.ComponentResource {
  readonly imageId: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;
  /** Limits in force, as the last update found them. */
  readonly effective: pulumi.Output<EffectiveLimits>;

  constructor(name: string, args: EgressArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:Egress", name, {}, opts);
    const { target, servers } = args;
    const user = uidOf(target.owner, name);
    const parent = { parent: this };
    const network = new EstateNetwork(name, { target, component: name, subnet: args.subnet, kind: "edge" }, parent);
    this.imageId = target.image(name, egressRecipe({ user }), parent);
    const workload = target.workload(
      name,
      {
        component: name,
        hostname: name,
        image: this.imageId,
        user,
        group: user,
        limits,
        networks: [network.networkName, ...servers.map(({ networkName }) => networkName)].map((each) => ({
          network: each,
          aliases: [name],
        })),
        ports: [],
        mounts: [],
        scratchMiB: { "/tmp": SCRATCH_MIB },
        probe: readinessProbe(args.health, "/squid-internal-mgr/menu", EGRESS_PORT),
        contract: JSON.stringify({ version: 1, limits }),
        onNewContract: "reload",
        supervised: false,
        // A server's network has no address to spare for a second one.
        newBesideOld: false,
        stopSeconds: STOP_SECONDS,
        secrets: { [EGRESS_CONFIG_NAME]: egressConfig(servers) },
        closed: false,
      },
      parent,
    );
    this.containerId = workload.containerId;
    this.effective = workload.effective;
    this.registerOutputs({ containerId: this.containerId });
  }
}
