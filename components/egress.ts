import type * as pulumi from "@pulumi/pulumi";
import { EGRESS_PORT, egressConfig, type EgressServer } from "./egressConfig.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { EGRESS_CONFIG_NAME, egressRecipe } from "./imageRecipe.ts";
import { proxyLimits as limits } from "./limitClasses.ts";
import { PackagedProgram } from "./packagedProgram.ts";
import type { Target } from "./targets/index.ts";

export interface EgressArgs {
  target: Target;
  health: EstateConfig["health"];
  /** /29 of the network on which the proxy has the outside. */
  subnet: string;
  /** Those that reach something outside, with the networks on which they find the proxy. */
  servers: ReadonlyArray<EgressServer & { networkName: pulumi.Input<string> }>;
}

const SCRATCH_MIB = 16;

/**
 * The one way out: Squid, which lets each server reach the places that it declares and nothing else
 * (docs/adr/0017-egress.md).
 */
export class Egress extends PackagedProgram {
  constructor(name: string, { target, health, subnet, servers }: EgressArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "mcp:index:Egress",
      name,
      {
        target,
        health,
        subnet,
        recipe: egressRecipe,
        limits,
        networks: servers.map(({ networkName }) => networkName),
        scratchMiB: SCRATCH_MIB,
        probe: { path: "/squid-internal-mgr/menu", port: EGRESS_PORT },
        files: { [EGRESS_CONFIG_NAME]: egressConfig(servers) },
      },
      opts,
    );
    this.registerOutputs({ containerId: this.containerId });
  }
}
