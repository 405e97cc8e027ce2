import * as pulumi from "@pulumi/pulumi";
import type { PulledImageInputs, PulledImageState } from "./providers/pulledImage.ts";

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
export class PulledImage extends pulumi.dynamic.Resource {
  /** Content-addressed id, `sha256:…`: what containers refer to, as a tag may move. */
  declare readonly imageId: pulumi.Output<string>;

  constructor(name: string, args: PulledImageArgs, opts?: pulumi.CustomResourceOptions) {
    super(provider, name, { ...args, imageId: undefined }, opts, "index", "PulledImage");
  }
}

/** Thin on purpose, see processLimit.ts. */
const provider: pulumi.dynamic.ResourceProvider<PulledImageInputs, PulledImageState> = {
  async check(_olds, news) {
    return (await load()).checkPulledImage(news);
  },
  async create(inputs) {
    return { id: inputs.reference, outs: await (await load()).pullImage(inputs) };
  },
  async read(id, props) {
    return (await load()).readPulledImage(id, props);
  },
  async diff(_id, olds, news) {
    return (await load()).diffPulledImage(olds, news);
  },
  async update(_id, _olds, news) {
    return { outs: await (await load()).pullImage(news) };
  },
  // No delete: a rollback needs it.
};

async function load(): Promise<typeof import("./providers/pulledImage.ts")> {
  const { pathToFileURL } = await import("node:url");
  return import(pathToFileURL(`${process.cwd()}/components/providers/pulledImage.ts`).href) as Promise<
    typeof import("./providers/pulledImage.ts")
  >;
}
