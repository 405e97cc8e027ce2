import * as pulumi from "@pulumi/pulumi";
import type { Limits } from "../runtime/contract/index.ts";
import type { EffectiveLimits, ProcessLimitInputs, ProcessLimitState } from "./providers/processLimit.ts";

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
}

/**
 * Sets the pids limit, which the docker provider cannot, starts the container and proves that the kernel enforces
 * what was declared. A container that was stopped or whose pids limit was changed by hand shows in the next preview
 * (`observedPids: 99 => 25`) and is put right by the next update.
 *
 * @example
 * new ProcessLimit("memory", { containerId: container.id, component: "memory", limits: limitClasses.light });
 */
export class ProcessLimit extends pulumi.dynamic.Resource {
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
      provider,
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
      "index",
      "ProcessLimit",
    );
  }
}

/**
 * Thin on purpose: the engine keeps this code in the state and runs that copy, so all work is in the module that each
 * method loads from the project's folder.
 */
const provider: pulumi.dynamic.ResourceProvider<ProcessLimitInputs, ProcessLimitState> = {
  async create(inputs) {
    return { id: inputs.containerId, outs: await (await load()).ensureProcessLimit(inputs) };
  },
  async read(id, props) {
    const observed = await (await load()).observeProcessLimit(id);
    if (!observed || !props) return {};
    const current = { ...props, ...observed };
    // What an update found is no input: it would show as a change.
    const { effective: _effective, provedAt: _provedAt, ...inputs } = current;
    return { id, props: current, inputs: inputs as ProcessLimitState };
  },
  async diff(_id, olds, news) {
    return (await load()).diffProcessLimit(olds, news);
  },
  async update(_id, _olds, news) {
    return { outs: await (await load()).ensureProcessLimit(news) };
  },
};

async function load(): Promise<typeof import("./providers/processLimit.ts")> {
  const { pathToFileURL } = await import("node:url");
  return import(pathToFileURL(`${process.cwd()}/components/providers/processLimit.ts`).href) as Promise<
    typeof import("./providers/processLimit.ts")
  >;
}
