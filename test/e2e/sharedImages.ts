import assert from "node:assert/strict";
import type { CatalogueEntry } from "../../components/catalogue/entry.ts";
import { memory } from "../../components/catalogue/memory.ts";
import { edgeRecipe, egressRecipe, imageTag, serverRecipe, type ImageRecipe } from "../../components/imageRecipe.ts";
import { ensureImage } from "../../components/providers/images/build.ts";

/**
 * The images below those of servers, the gateway and the edge: all that needs a network, which a Docker in a network
 * namespace of its own has not. They are built on the machine's own Docker where they are not there yet.
 * @param options egress: the one below the way out too.
 * @returns their tags.
 */
export async function ensureSharedImages(
  servers: readonly CatalogueEntry[] = [memory],
  { egress = false } = {},
): Promise<string[]> {
  const user = 1;
  const recipes = [
    ...servers.map(({ name, runtime, package: source }) =>
      serverRecipe({ runtime, ...source, name, user, mountPoints: [] }),
    ),
    edgeRecipe({ user }),
    ...(egress ? [egressRecipe({ user })] : []),
  ];
  const tags: string[] = [];
  for (const { from } of recipes) {
    assert.ok(from);
    for (let recipe: ImageRecipe | undefined = from; recipe; recipe = recipe.from) tags.push(imageTag(recipe));
    await ensureImage({ tag: imageTag(from), recipe: from, labels: {} });
  }
  return [...new Set(tags)];
}
