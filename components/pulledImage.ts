import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "./dynamicResource.ts";

export interface PulledImageArgs {
  /** Service that it is for, for messages. */
  component: string;
  /** Image reference, or the id of an image that is there. */
  reference: string;
  /** Where the service mounts something. */
  mountPoints: readonly string[];
}

/**
 * An image that others build, on the Docker host under its reference. It is pulled only where the host has none, so
 * that an update does not depend on a registry that it does not need; another reference is another image.
 * An image with a volume that nothing is mounted on is refused (R-VOL-01).
 *
 * @example
 * new PulledImage("db", { component: "db", reference: "postgres:16.4", mountPoints: ["/var/lib/postgresql/data"] });
 */
export class PulledImage extends DynamicResource {
  /** Content-addressed id, `sha256:…`: what containers refer to, as a tag may move. */
  declare readonly imageId: pulumi.Output<string>;

  constructor(name: string, args: PulledImageArgs, opts?: pulumi.CustomResourceOptions) {
    super("PulledImage", ["check", "create", "read", "diff", "update"], name, { ...args, imageId: undefined }, opts);
  }
}
