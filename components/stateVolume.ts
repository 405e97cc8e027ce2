import * as pulumi from "@pulumi/pulumi";
import type { Target } from "./targets/index.ts";

export interface StateVolumeArgs {
  target: Target;
  /** Server that owns the data. */
  component: string;
  /** The engine refuses to remove or replace it. */
  protect: boolean;
  /** Its name in Docker, where it has one already. @default made from the owner and the resource's name */
  dockerName?: string | undefined;
}

/** Data that outlives its container, the stack's `down` and a rollback: removed only when asked by name. */
export class StateVolume extends pulumi.ComponentResource {
  readonly volumeName: pulumi.Output<string>;

  constructor(name: string, args: StateVolumeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:StateVolume", name, {}, opts);
    const { target, component, protect, dockerName } = args;
    this.volumeName = target.stateVolume(name, component, { parent: this, protect }, dockerName).name;
    this.registerOutputs({ volumeName: this.volumeName });
  }
}
