import * as pulumi from "@pulumi/pulumi";
import type { SharedNetworkConfig } from "./serviceConfig.ts";
import type { Target } from "./targets/index.ts";

export interface SharedNetworkArgs {
  target: Target;
  network: SharedNetworkConfig;
}

/**
 * A network of the user's own that services join by name. No MCP server does: each of those has one of its own
 * (docs/adr/0004-networks.md).
 */
export class SharedNetwork extends pulumi.ComponentResource {
  /** Its name in Docker. */
  readonly networkName: pulumi.Output<string>;

  constructor(name: string, { target, network }: SharedNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:SharedNetwork", name, {}, opts);
    this.networkName = target.sharedNetwork(name, network, { parent: this }).name;
    this.registerOutputs({ networkName: this.networkName });
  }
}
