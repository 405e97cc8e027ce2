import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import type { ContainerFacts } from "./providers/containerWatch.ts";

export interface ContainerWatchArgs {
  /** What the container's physical name begins with, up to the provider's random suffix. @default it has `declared.name` */
  namePrefix?: string;
  /** Everything that is declared of the container, but for what is secret. */
  declared: docker.ContainerArgs;
  /** Environment whose values are kept secret in the state. @default {} */
  secretEnv?: Readonly<Record<string, string>>;
}

/**
 * Compares all that is declared of a container with what Docker has, property by property. The docker provider does not
 * look at environment, labels, volumes, networks and whatever comes from the image, so that a change of these by hand
 * would stay for ever.
 *
 * Declare it before its container and give that `replaceWith: [watch]`: what Docker cannot change on a container that
 * exists makes this resource, and with it the container, a replacement; the rest is put right in place.
 *
 * @example
 * const watch = new ContainerWatch("memory", { namePrefix: "mcp-estate-dev-memory-", declared });
 * new docker.Container("mcp-estate-dev-memory", args, { replaceWith: [watch] });
 */
export class ContainerWatch extends DynamicResource {
  /** Property → what was found in place of what is declared; empty when all is well. */
  declare readonly found: pulumi.Output<ContainerFacts>;

  constructor(name: string, args: ContainerWatchArgs, opts?: pulumi.CustomResourceOptions) {
    const { secretEnv, ...rest } = args;
    super(
      "ContainerWatch",
      ["create", "read", "diff", "update"],
      name,
      // A dynamic provider keeps a value secret only under its input's own name.
      { ...rest, ...(secretEnv ? { secretEnv: pulumi.secret(secretEnv) } : {}), found: {}, expected: undefined },
      pulumi.mergeOptions(secretEnv ? { additionalSecretOutputs: ["secretEnv"] } : {}, opts),
    );
  }
}
