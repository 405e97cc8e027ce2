import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import type { GpuClaim } from "./gpus.ts";
import type { SwarmPlacement, SwarmServiceSpec } from "./providers/swarm/inputs.ts";
import type { ProvedTask } from "./providers/swarm/proof.ts";

export interface SwarmServiceArgs {
  spec: pulumi.Input<SwarmServiceSpec>;
  /** Where its tasks may run. */
  placement: SwarmPlacement;
  /** Its task is to have a GPU of its own. @default none is asked for */
  gpu?: GpuClaim;
  /** Compare also what the program in each task says of itself on /limits. @default false */
  supervised?: boolean;
  /**
   * How long its program may take to give its first good answer, in seconds.
   * @default not waited for
   */
  readySeconds?: number;
  /** How long all tasks may take to be well, in seconds. */
  timeoutSeconds: number;
  /** Host name → how its Docker is reached; "": the connected one. None where the swarm is one node. */
  nodes: Readonly<Record<string, string>>;
}

/**
 * A service of a swarm with all its limits, pids and ulimits among them, which the docker provider's own cannot say: one
 * rolling update per change, awaited, its limits proved in each node's kernel (docs/adr/0021-swarm.md). Any property that
 * was changed by hand shows in the next preview (`found`) and is put right by the next update.
 *
 * @example
 * new SwarmService("memory", { spec, timeoutSeconds: 120, nodes: {} });
 */
export class SwarmService extends DynamicResource {
  declare readonly serviceId: pulumi.Output<string>;
  /** Its running tasks, with the limits that their nodes' kernels enforce. */
  declare readonly tasks: pulumi.Output<readonly ProvedTask[]>;
  /** UUID of the GPU that its task has; "" without one. */
  declare readonly gpuId: pulumi.Output<string>;
  /** When that was proved, ISO 8601. */
  declare readonly provedAt: pulumi.Output<string>;

  constructor(name: string, args: SwarmServiceArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "SwarmService",
      ["check", "create", "read", "diff", "update", "delete"],
      name,
      {
        ...args,
        supervised: args.supervised ?? false,
        found: {},
        serviceId: undefined,
        expected: undefined,
        gpuId: undefined,
        tasks: undefined,
        provedAt: undefined,
      },
      opts,
    );
  }
}
