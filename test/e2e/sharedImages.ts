import assert from "node:assert/strict";
import { memory } from "../../components/catalogue/memory.ts";
import { edgeRecipe, imageTag, serverRecipe, type ImageRecipe } from "../../components/imageRecipe.ts";
import { ensureImage } from "../../components/providers/images/build.ts";

/**
 * The images below those of a memory server, the gateway and the edge: all that needs a network, which a Docker in a
 * network namespace of its own has not. They are built on the machine's own Docker where they are not there yet.
 * @returns their tags.
 */
export async function ensureSharedImages(): Promise<string[]> {
  const { runtime, package: source } = memory;
  const recipes = [
    serverRecipe({ runtime, ...source, name: "memory", user: 1, mountPoints: [] }),
    edgeRecipe({ user: 1 }),
  ];
  const tags: string[] = [];
  for (const { from } of recipes) {
    assert.ok(from);
    for (let recipe: ImageRecipe | undefined = from; recipe; recipe = recipe.from) tags.push(imageTag(recipe));
    await ensureImage({ tag: imageTag(from), recipe: from, labels: {} });
  }
  return [...new Set(tags)];
}
