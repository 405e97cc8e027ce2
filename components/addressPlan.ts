import * as pulumi from "@pulumi/pulumi";
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
export class AddressPlan extends pulumi.dynamic.Resource {
  constructor(name: string, { owner, blocks }: AddressPlanArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs: AddressPlanInputs = { estate: owner.estate, stack: owner.stack, blocks };
    super(provider, name, { ...inputs }, opts, "index", "AddressPlan");
  }
}

/** Thin on purpose, see processLimit.ts. */
const provider: pulumi.dynamic.ResourceProvider<AddressPlanInputs, AddressPlanInputs> = {
  async check(_olds, news) {
    return (await load()).checkAddressPlan(news);
  },
  create(inputs) {
    return Promise.resolve({ id: "address-plan", outs: inputs });
  },
  update(_id, _olds, news) {
    return Promise.resolve({ outs: news });
  },
};

async function load(): Promise<typeof import("./providers/addressPlan.ts")> {
  const { pathToFileURL } = await import("node:url");
  return import(pathToFileURL(`${process.cwd()}/components/providers/addressPlan.ts`).href) as Promise<
    typeof import("./providers/addressPlan.ts")
  >;
}
