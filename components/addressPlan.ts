import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import type { Owner } from "./naming.ts";
import type { AddressPlanInputs } from "./providers/addressPlan.ts";
import type { WantedBlock } from "./subnets.ts";

export interface AddressPlanArgs {
  owner: Owner;
  blocks: readonly WantedBlock[];
}

/**
 * Fails the preview of an estate whose addresses another network of the Docker host has: Docker itself would refuse it in
 * the middle of the update, and name neither the setting nor the network. It makes nothing.
 */
export class AddressPlan extends DynamicResource {
  constructor(name: string, { owner, blocks }: AddressPlanArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs: AddressPlanInputs = { estate: owner.estate, stack: owner.stack, blocks };
    super("AddressPlan", ["check", "create", "update"], name, { ...inputs }, opts);
  }
}
