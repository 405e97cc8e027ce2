import { BUILT_IMAGE, CONTAINER, PULLED_IMAGE, UNKNOWN } from "../resource.ts";
import type { Finding, ResourceRule } from "../rule.ts";

const CONTENT = /^(\S+@)?sha256:[0-9a-f]{64}$/;
/** Tags that are moved by those who write "the newest" (R-IMG-14 names both). */
const MOVING_TAGS = new Set(["latest", "fixed"]);

/** R-IMG-14: whoever moves a tag would change what runs, and what a rollback brings back. */
export const contentAddressed: ResourceRule = {
  name: "content-addressed-image",
  description: "Containers name their image by its content.",
  severity: "mandatory",
  types: [CONTAINER],
  check({ inputs: { image } }) {
    // Of an image that the update builds the id is known afterwards.
    if (image === UNKNOWN || (typeof image === "string" && CONTENT.test(image))) return [];
    return [
      {
        why: `image ${JSON.stringify(image ?? "")} is a name that can be moved`,
        todo: "take the imageId of a BuiltImage or a PulledImage, or name@sha256:…",
      },
    ];
  },
};

/** R-IMG-14. */
export const noLatest: ResourceRule = {
  name: "no-latest",
  description: "Images that others build are asked for by a version.",
  severity: "mandatory",
  types: [PULLED_IMAGE, BUILT_IMAGE],
  check: ({ inputs: { reference, recipe } }) => [reference, ...basesOf(recipe)].flatMap(movingTag),
};

/** Images of others that a recipe is built on, at any depth. */
function basesOf(recipe: unknown): unknown[] {
  if (typeof recipe !== "object" || recipe === null) return [];
  const { layer, from } = recipe as { layer?: { base?: unknown; onto?: { image?: unknown } }; from?: unknown };
  return [layer?.base, layer?.onto?.image, ...basesOf(from)];
}

function movingTag(reference: unknown): Finding[] {
  if (typeof reference !== "string" || reference.includes("sha256:")) return [];
  // A colon before the last slash is a registry's port.
  const [, tag = ""] = reference.slice(reference.lastIndexOf("/") + 1).split(":");
  if (tag !== "" && !MOVING_TAGS.has(tag)) return [];
  return [
    {
      why: tag === "" ? `image ${reference} has no tag, which means latest` : `tag ${tag} of image ${reference}`,
      todo: "name a version or a digest: postgres:16.4, name@sha256:…",
    },
  ];
}
