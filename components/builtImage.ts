import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";
import { imageTag, type ImageRecipe } from "./imageRecipe.ts";
import { LABEL_ESTATE, LABEL_STACK, type Owner } from "./naming.ts";

export interface BuiltImageArgs {
  /** What goes in; the tag is a hash of it. */
  recipe: ImageRecipe;
  /**
   * Estate and stack on the image's labels.
   * @default none: a base image that all stacks share
   */
  owner?: Owner;
  /** Docker to build on, for example `ssh://user@host`. @default DOCKER_HOST, else the local socket */
  dockerHost?: pulumi.Input<string>;
}

/**
 * An image on the Docker host under a tag that is a hash of all that goes in. It is built only where that tag is
 * absent and stays when the resource goes, so that a rollback builds nothing. A removed image shows in the next
 * preview as a creation, one whose tag was given to something else as `observed: "sha256:…" => "as built"`.
 *
 * @example
 * new BuiltImage("gateway", { recipe: gatewayRecipe({ user: 100123 }), owner });
 */
export class BuiltImage extends DynamicResource {
  /** Content-addressed id, `sha256:…`: what containers refer to. */
  declare readonly imageId: pulumi.Output<string>;
  declare readonly tag: pulumi.Output<string>;

  constructor(name: string, args: BuiltImageArgs, opts?: pulumi.CustomResourceOptions) {
    const { recipe, owner, dockerHost } = args;
    const labels = ownerLabels(owner);
    const tag = imageTag(recipe, labels);
    super(
      "BuiltImage",
      ["create", "read", "diff", "update"],
      name,
      { tag, recipe, labels, dockerHost, observed: "as built", imageId: undefined },
      opts,
    );
  }
}

/** Whose the image is; its component and hash are labels that every build adds. */
function ownerLabels(owner: Owner | undefined): Record<string, string> {
  return owner ? { [LABEL_ESTATE]: owner.estate, [LABEL_STACK]: owner.stack } : {};
}
