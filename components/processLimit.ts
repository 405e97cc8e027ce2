import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import type { Limits } from "../runtime/contract/index.ts";
import type { EffectiveLimits } from "./providers/processLimit.ts";

export interface ProcessLimitArgs {
  /** Container that was created and not started. */
  containerId: pulumi.Input<string>;
  /** Component that it belongs to, for messages. */
  component: string;
  /** All limits of the container: this resource sets pids and checks the rest. */
  limits: Limits;
  /** Compare also what the program in the container says of itself on /limits. @default false */
  supervised?: boolean;
  /**
   * How long its server may take to give its first good answer, in seconds.
   * @default not waited for
   */
  readySeconds?: number;
  /**
   * Command that ends with 0 in the container when it is ready.
   * @default its program says so on /ready
   */
  readyCommand?: readonly string[];
}

/**
 * Sets the pids limit, which the docker provider cannot, starts the container and proves that the kernel enforces
 * what was declared. A container that was stopped or whose pids limit was changed by hand shows in the next preview
 * (`observedPids: 99 => 25`) and is put right by the next update.
 *
 * @example
 * new ProcessLimit("memory", { containerId: container.id, component: "memory", limits: limitClasses.light });
 */
export class ProcessLimit extends DynamicResource {
  /** Container that is started and limited; depend on this to depend on a running container. */
  declare readonly containerId: pulumi.Output<string>;
  declare readonly observedPids: pulumi.Output<number>;
  declare readonly observedState: pulumi.Output<string>;
  /** What Docker and the kernel had in force after the last update. */
  declare readonly effective: pulumi.Output<EffectiveLimits>;
  /** When that was, ISO 8601. */
  declare readonly provedAt: pulumi.Output<string>;

  constructor(name: string, args: ProcessLimitArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "ProcessLimit",
      ["create", "read", "diff", "update"],
      name,
      {
        ...args,
        supervised: args.supervised ?? false,
        observedPids: args.limits.pids,
        observedState: "running",
        effective: undefined,
        provedAt: undefined,
      },
      opts,
    );
  }
}
