import * as pulumi from "@pulumi/pulumi";
import type { NetworkSpec, Target } from "./targets/index.ts";

export interface EstateNetworkArgs extends NetworkSpec {
  target: Target;
}

/**
 * A network of the estate. Each server has one of its own and only the gateway joins it, so that a server reaches
 * nothing but who asks it (docs/adr/0004-networks.md).
 */
export class EstateNetwork extends pulumi.ComponentResource {
  readonly networkName: pulumi.Output<string>;

  constructor(name: string, args: EstateNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:EstateNetwork", name, {}, opts);
    const { target, ...spec } = args;
    this.networkName = target.network(name, spec, { parent: this }).name;
    this.registerOutputs({ networkName: this.networkName });
  }
}
