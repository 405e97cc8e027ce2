import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamicResource.ts";
import type { LambdaAccessInputs } from "../../providers/lambda/access.ts";

export interface LambdaInstanceArgs extends LambdaAccessInputs {
  /** Unique in the account; 1 to 63 of a-z, 0-9 and '-'. */
  name: string;
  /** ESTATE/STACK, on the instance's tag: what carries another is never touched. */
  owner: string;
  /** Types in order of preference, for example gpu_1x_a10; the first that is to be had is taken. */
  types: readonly string[];
  /** Regions in order of preference, for example us-west-1. */
  regions: pulumi.Input<readonly string[]>;
  /** Name of a key that the account has. */
  sshKey: pulumi.Input<string>;
  /** US dollars; a dearer type fails the preview. */
  maxHourlyPrice: number;
  /** @default Lambda's own image */
  imageFamily?: string;
  /** cloud-init. @default none */
  userData?: pulumi.Input<string>;
  /** Region → id of the firewall ruleset that an instance there gets. @default none */
  firewallRulesets?: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * One machine at Lambda Labs: launched once, whatever is lost on the way, and found again by its name. A region or a type without
 * capacity makes way for the next one. It is there when it is active and has an address; whether its GPUs work is for others to
 * prove. Its end is its termination, waited for: what is not gone is an error, as it is billed.
 *
 * @example
 * new LambdaInstance("gpu-1", { access, name: "estate-prod-gpu-1", owner: "estate/prod", types: ["gpu_1x_a10"],
 *   regions: ["us-west-1"], sshKey: "estate-prod", maxHourlyPrice: 1 });
 */
export class LambdaInstance extends DynamicResource {
  declare readonly instanceId: pulumi.Output<string>;
  /** Public IPv4 address. */
  declare readonly ip: pulumi.Output<string>;
  /** "" where it has none. */
  declare readonly privateIp: pulumi.Output<string>;
  declare readonly region: pulumi.Output<string>;
  declare readonly type: pulumi.Output<string>;
  declare readonly gpus: pulumi.Output<number>;
  /** US cents, of the whole machine. */
  declare readonly priceCentsPerHour: pulumi.Output<number>;

  constructor(name: string, args: LambdaInstanceArgs, opts?: pulumi.CustomResourceOptions) {
    const found = {
      ...{ instanceId: undefined, ip: undefined, privateIp: undefined, region: undefined, type: undefined },
      ...{ gpus: undefined, priceCentsPerHour: undefined },
    };
    super(
      "LambdaInstance",
      ["check", "create", "read", "diff", "update", "delete"],
      name,
      { firewallRulesets: {}, ...args, surplus: [], ...found },
      opts,
    );
  }
}
