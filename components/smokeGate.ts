import * as pulumi from "@pulumi/pulumi";
import type { SmokeReport, SmokeServer, SmokeSpec, SmokeWorkload } from "./providers/smoke/spec.ts";
import type { SmokeGateInputs, SmokeGateState } from "./providers/smokeGate.ts";

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
export class SmokeGate extends pulumi.dynamic.Resource {
  /** What was tried and found when the suite last ran. */
  declare readonly report: pulumi.Output<SmokeReport>;

  constructor(name: string, args: SmokeGateArgs, opts?: pulumi.CustomResourceOptions) {
    const token = pulumi.secret(args.token);
    super(provider, name, { ...args, token, report: undefined }, opts, "index", "SmokeGate");
  }
}

/** Thin on purpose, see processLimit.ts. */
const provider: pulumi.dynamic.ResourceProvider<SmokeGateInputs, SmokeGateState> = {
  async create(inputs) {
    return { id: "smoke-gate", outs: await (await load()).passGate(inputs) };
  },
  async diff(_id, olds, news) {
    return (await load()).diffGate(olds, news);
  },
  async update(_id, _olds, news) {
    return { outs: await (await load()).passGate(news) };
  },
};

async function load(): Promise<typeof import("./providers/smokeGate.ts")> {
  const { pathToFileURL } = await import("node:url");
  return import(pathToFileURL(`${process.cwd()}/components/providers/smokeGate.ts`).href) as Promise<
    typeof import("./providers/smokeGate.ts")
  >;
}
