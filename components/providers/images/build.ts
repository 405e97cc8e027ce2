import type Docker from "dockerode";
import { imageTag, type ImageRecipe } from "../../imageRecipe.ts";
import { LABEL_COMPONENT } from "../../naming.ts";
import { assemble, type Assembly } from "./assemble.ts";
import { contentHash } from "./contentHash.ts";
import { buildDebian } from "./debian.ts";
import { inspectTag, pulled } from "./docker.ts";
import { connectTo } from "../docker.ts";
import { exclusive, singleFlight } from "./exclusive.ts";
import { graftBase, openKit } from "./graft.ts";
import { stageLayer } from "./layers.ts";
import { ARCHITECTURES, type Architecture } from "./packages.ts";

export const LABEL_HASH = "mcp-estate.hash";

/** What to build, and where. */
export interface ImageRequest {
  tag: string;
  recipe: ImageRecipe;
  labels: Readonly<Record<string, string>>;
  dockerHost?: string;
}

export interface EnsureOptions {
  /** Build even where the tag is there: it points to something else. @default false */
  evenIfTagged?: boolean;
  /** The project's folder. @default the working directory, which the engine sets to it */
  root?: string;
  /** Gets one line per step, for people. @default stderr, which the engine shows */
  log?: (line: string) => void;
}

export interface EnsuredImage {
  /** Content-addressed id, `sha256:…`. */
  imageId: string;
  /** Tags that this call built, lowest layer first; empty when all was there. */
  built: readonly string[];
}

/**
 * Builds an image and what lies below it, each layer only where its tag is absent. Safe to call at the same time for
 * images that share layers, in one process or in several.
 * @throws Error when the request's tag is not that of its recipe, when the project's files are no longer those that the
 * recipe was made from, or when a layer cannot be had.
 */
export async function ensureImage(request: ImageRequest, options: EnsureOptions = {}): Promise<EnsuredImage> {
  const { tag, recipe, labels, dockerHost = "" } = request;
  const {
    evenIfTagged = false,
    root = process.cwd(),
    log = (line) => void process.stderr.write(`${line}\n`),
  } = options;
  const docker = connectTo(dockerHost);
  const present = evenIfTagged ? undefined : await inspectTag(docker, tag);
  if (present) return { imageId: present.Id, built: [] };
  if (imageTag(recipe, labels) !== tag) {
    throw new Error(`${tag} is not the tag of its recipe, which is ${imageTag(recipe, labels)}; nothing was built`);
  }
  return singleFlight(`${dockerHost} ${tag}`, () =>
    exclusive(
      `${dockerHost} ${tag}`,
      () => log(`${tag}: another process builds it, waiting`),
      async () => {
        const meanwhile = evenIfTagged ? undefined : await inspectTag(docker, tag);
        if (meanwhile) return { imageId: meanwhile.Id, built: [] };
        return buildImage(docker, request, root, log);
      },
    ),
  );
}

async function buildImage(
  docker: Docker,
  { tag, recipe, labels, dockerHost }: ImageRequest,
  root: string,
  log: (line: string) => void,
): Promise<EnsuredImage> {
  if (contentHash(recipe.layer, root) !== recipe.content) {
    throw new Error(
      `${tag} was made from other files than those in ${root}, and is no longer on this Docker; go back to the revision it was made from, or deploy the present one`,
    );
  }
  const started = performance.now();
  log(`${tag}: building`);
  const { from } = recipe;
  const architecture = await architectureOf(docker);
  const [below, open] = await Promise.all([
    from && ensureImage({ tag: imageTag(from), recipe: from, labels: {}, dockerHost }, { root, log }),
    stageLayer(recipe, architecture, root),
  ]);
  const base = await baseOf(docker, recipe, below?.imageId, root);
  const assembly: Assembly = {
    docker,
    architecture,
    tag,
    stagingTag: `${tag}-staging`,
    purpose: `${recipe.name}: ${recipe.layer.kind} layer`,
    ...(base === undefined ? {} : { from: base }),
    config: recipe.config,
    labels: { ...labels, [LABEL_COMPONENT]: recipe.name, [LABEL_HASH]: tag.slice(tag.lastIndexOf(":") + 1) },
    requires: recipe.requires,
    log: (line) => log(`${tag}: ${line}`),
  };
  if (recipe.layer.kind === "debian") await buildDebian(recipe.layer, assembly);
  else if (recipe.layer.kind === "graft")
    await assemble({ ...assembly, archive: await openKit(docker, below?.imageId) });
  else await assemble({ ...assembly, ...(await open?.()) });
  const { Id: imageId } = await docker.getImage(tag).inspect();
  log(`${tag}: built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return { imageId, built: [...(below?.built ?? []), tag] };
}

/** Id of the image that the layer goes onto. */
async function baseOf(
  docker: Docker,
  { layer, name }: ImageRecipe,
  below: string | undefined,
  root: string,
): Promise<string | undefined> {
  if (layer.kind === "files") return pulled(docker, name, layer.base);
  if (layer.kind === "graft") return graftBase(docker, name, layer, root);
  return below;
}

/** @throws Error when the Docker host has another processor than those that the packages are published for. */
async function architectureOf(docker: Docker): Promise<Architecture> {
  const { Arch: found } = await docker.version();
  if (Object.hasOwn(ARCHITECTURES, found)) return found as Architecture;
  throw new Error(`this Docker runs on ${found}; images can be made for ${Object.keys(ARCHITECTURES).join(" and ")}`);
}
