import * as pulumi from "@pulumi/pulumi";
import type { Target } from "./targets/index.ts";

export interface StateVolumeArgs {
  target: Target;
  /** Server that owns the data. */
  component: string;
  /** The engine refuses to remove or replace it. */
  protect: boolean;
}

/** Data that outlives its container, the stack's `down` and a rollback: removed only when asked by name. */
export class StateVolume extends pulumi.ComponentResource {
  readonly volumeName: pulumi.Output<string>;

  constructor(name: string, args: StateVolumeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:StateVolume", name, {}, opts);
    this.volumeName = args.target.stateVolume(name, args.component, { parent: this, protect: args.protect }).name;
    this.registerOutputs({ volumeName: this.volumeName });
  }
}
