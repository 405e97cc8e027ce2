import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import type { SmokeReport, SmokeServer, SmokeSpec, SmokeWorkload } from "./providers/smoke/spec.ts";

export interface SmokeGateArgs {
  gatewayUrl: pulumi.Input<string>;
  /** Bearer token of the gateway; kept as a secret. */
  token: pulumi.Input<string>;
  /** What the edge shows; absent for plain HTTP. */
  certificate?: pulumi.Input<string> | undefined;
  servers: readonly SmokeServer[];
  workloads: ReadonlyArray<{ [K in keyof SmokeWorkload]: pulumi.Input<SmokeWorkload[K]> }>;
  /** Component → what its container was given and when it was last touched: another value makes the suite run. */
  touched: Readonly<Record<string, pulumi.Input<string>>>;
  /** How long a server that has just started may take to answer, in seconds. */
  timeoutSeconds: SmokeSpec["timeoutSeconds"];
}

/**
 * The functional suite at the end of an update: each server's proof call through the gateway, limits in force, secrets
 * in place, closed edges closed. When a check fails, the update fails with a table (R-DEP-04).
 *
 * @example
 * new SmokeGate("smoke", args, { dependsOn: everything });
 */
export class SmokeGate extends DynamicResource {
  /** What was tried and found when the suite last ran. */
  declare readonly report: pulumi.Output<SmokeReport>;

  constructor(name: string, args: SmokeGateArgs, opts?: pulumi.CustomResourceOptions) {
    const token = pulumi.secret(args.token);
    super("SmokeGate", ["create", "diff", "update"], name, { ...args, token, report: undefined }, opts);
  }
}
