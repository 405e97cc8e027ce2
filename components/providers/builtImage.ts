import type { DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import type { ImageRecipe } from "../imageRecipe.ts";
import { ensureImage, LABEL_HASH } from "./images/build.ts";
import { inspectTag } from "./images/docker.ts";
import { connectTo } from "./docker.ts";

/** Inputs of the resource, as its constructor makes them. */
export interface BuiltImageInputs {
  /** `mcp-estate/NAME:HASH`; the hash covers recipe and labels: when they change, the tag does. */
  tag: string;
  recipe: ImageRecipe;
  /** Estate and stack; none on images that all stacks share. */
  labels: Record<string, string>;
  /** @default DOCKER_HOST, else the local socket */
  dockerHost?: string;
  /** `as built`, else the id of the foreign image that has taken the tag. */
  observed: string;
}

export interface BuiltImageState extends BuiltImageInputs {
  /** Content-addressed id, `sha256:…`. */
  imageId: string;
}

export const AS_BUILT = "as built";

/** Builds the image unless its tag is there. @throws Error saying what could not be had, and how to get it. */
export async function createImage(inputs: BuiltImageInputs): Promise<BuiltImageState> {
  const { imageId } = await ensureImage(inputs);
  return { ...inputs, observed: AS_BUILT, imageId };
}

/** What the tag points to now, for a refresh; `{}` when it is gone, so that the next update creates it. */
export async function readImage(id: string, state: BuiltImageState | undefined): Promise<ReadResult> {
  const image = state && (await inspectTag(connectTo(state.dockerHost), state.tag));
  if (!image) return {};
  const { imageId, ...inputs } = state;
  // Built again elsewhere from the same inputs: as good as ours, and what containers made from now on refer to.
  const made = Object.entries({ ...state.labels, [LABEL_HASH]: hashOf(state.tag) });
  const genuine = image.Id === imageId || made.every(([label, value]) => image.Config.Labels?.[label] === value);
  const current = { ...inputs, observed: genuine ? AS_BUILT : image.Id };
  return { id, props: { ...current, imageId: genuine ? image.Id : imageId }, inputs: current };
}

/** Another tag is another image; the old one stays until the new one is there, and after. */
export function diffImage(olds: BuiltImageInputs, news: BuiltImageInputs): DiffResult {
  const replaces = (["tag", "dockerHost"] as const).filter((key) => olds[key] !== news[key]);
  return { changes: replaces.length > 0 || olds.observed !== news.observed, replaces };
}

/** Gives the tag back to the image it belongs to, which is built again only where it is gone. */
export async function restoreImage(olds: BuiltImageState, news: BuiltImageInputs): Promise<BuiltImageState> {
  const docker = connectTo(news.dockerHost);
  if (await inspectTag(docker, olds.imageId)) {
    const [repo = "", tag = ""] = news.tag.split(":");
    await docker.getImage(olds.imageId).tag({ repo, tag });
    return { ...news, observed: AS_BUILT, imageId: olds.imageId };
  }
  const { imageId } = await ensureImage(news, { evenIfTagged: true });
  return { ...news, observed: AS_BUILT, imageId };
}

function hashOf(tag: string): string {
  return tag.slice(tag.lastIndexOf(":") + 1);
}

export const provider: ResourceProvider<BuiltImageInputs, BuiltImageState> = {
  create: async (inputs) => ({ id: inputs.tag, outs: await createImage(inputs) }),
  read: (id, state) => readImage(id, state),
  diff: (_id, olds, news) => Promise.resolve(diffImage(olds, news)),
  update: async (_id, olds, news) => ({ outs: await restoreImage(olds, news) }),
  // No delete: earlier deployments are rolled back to. Images are removed by their labels, on request.
};
