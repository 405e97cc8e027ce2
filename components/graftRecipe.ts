import { baseRecipe, programRecipe, type ImageRecipe } from "./imageRecipe.ts";
import type { Layer } from "./imageLayers.ts";
import { contentHash } from "./providers/images/contentHash.ts";

type Graft = Extract<Layer, { kind: "graft" }>;

/** Where the programs of the estate lie in others' images, with all libraries that they need. */
const KIT = "/opt/mcp-estate";
const INIT = `${KIT}/bin/tini`;
/** The loader is named, as another's image may have another one, or none. */
const NODE = [`${KIT}/lib/ld.so`, "--library-path", `${KIT}/lib`, `${KIT}/bin/node`] as const;

export interface GraftedServerArgs {
  /** Name of the server. */
  name: string;
  onto: Graft["onto"];
  /** uid, and gid, of the server's processes. */
  user: number;
  /** Absolute paths of folders that the user owns, for volumes. */
  mountPoints: readonly string[];
  command: readonly string[];
}

/**
 * One MCP server in another's image, under its supervisor like every other one.
 * @throws Error when a file cannot be read.
 */
export function graftedServerRecipe(args: GraftedServerArgs, root: string = process.cwd()): ImageRecipe {
  const { name, onto, user, mountPoints, command } = args;
  const layer: Graft = { kind: "graft", onto, mountPoints };
  const grafted: ImageRecipe = {
    name: `${name}-graft`,
    from: baseRecipe("node"),
    layer,
    content: contentHash(layer, root),
    config: {},
    requires: ["/bin/sh", "/usr/bin/curl", INIT, ...NODE.filter((part) => part.startsWith(`${KIT}/bin`))],
  };
  const start = { init: INIT, node: NODE, workingDir: "/" };
  return programRecipe(name, grafted, "supervisor", user, mountPoints, command.slice(0, 1), root, {}, start);
}
