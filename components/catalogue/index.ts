import type { CatalogueEntry } from "./entry.ts";
import { everything } from "./everything.ts";
import { fetch } from "./fetch.ts";
import { filesystem } from "./filesystem.ts";
import { memory } from "./memory.ts";
import { sequentialThinking } from "./sequentialThinking.ts";

export type { CatalogueEntry, CatalogueVolume } from "./entry.ts";

/** Every MCP server that a stack can name. */
export const catalogue: ReadonlyMap<string, CatalogueEntry> = new Map(
  [everything, fetch, filesystem, memory, sequentialThinking].map((entry) => [entry.name, entry]),
);
