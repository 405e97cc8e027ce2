import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { ImageRecipe } from "../../imageRecipe.ts";
import { packFile, packFolder } from "./archive.ts";
import { isMissingProgram, run } from "./command.ts";
import { isNative, stageNode, stageNpm, stagePypi, type Architecture } from "./packages.ts";
import { packAccount, packFiles, packProgram } from "./program.ts";

/** What a layer adds: files, and a command to run once they are there. */
export interface LayerContent {
  archive: Readable;
  command?: { args: readonly string[] };
}

const NODE_MODE = 0o755;
/**
 * A read-only container cannot write compiled modules, so they are baked in. Unchecked: all files have one fixed time.
 * Modules for other Pythons do not compile, which is no fault.
 */
const COMPILE = [
  "/bin/sh",
  "-c",
  "python3 -m compileall -qq -j 0 --invalidation-mode unchecked-hash /app/site-packages || true",
];

/**
 * Fetches what a layer needs, which takes long and can go on while the image below is built.
 * @returns opens the layer's content; undefined for Debian and for a graft, which take what is in images.
 */
export async function stageLayer(
  { layer, content }: ImageRecipe,
  architecture: Architecture,
  root: string,
): Promise<(() => LayerContent | Promise<LayerContent>) | undefined> {
  switch (layer.kind) {
    case "debian":
    case "graft":
      return undefined;
    case "node": {
      const file = await nodeBinary(layer.version, architecture, root);
      return () => ({ archive: packFile(file, "usr/local/bin/node", NODE_MODE) });
    }
    case "npm": {
      const folder = await stageNpm(layer, content, architecture, root);
      return () => ({ archive: packFolder(folder, "app") });
    }
    case "pypi": {
      const folder = await stagePypi(layer, content, architecture, root);
      return () => ({ archive: packFolder(folder, "app/site-packages"), command: { args: COMPILE } });
    }
    case "program":
      return async () => ({ archive: await packProgram(layer, root) });
    case "account":
      return () => ({ archive: packAccount(layer) });
    case "files":
      return () => ({ archive: packFiles(layer.files) });
  }
}

/** The project's own Node where it is the wanted one, else npm's package for the Docker host. */
async function nodeBinary(version: string, architecture: Architecture, root: string): Promise<string> {
  const own = join(root, "node_modules/node/bin/node");
  if (isNative(architecture) && existsSync(own)) {
    try {
      if ((await run(own, ["--version"])).trim() === `v${version}`) return own;
    } catch (error) {
      if (!isMissingProgram(error)) throw error;
    }
  }
  return stageNode(version, architecture);
}
