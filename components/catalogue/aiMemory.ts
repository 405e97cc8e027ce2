import type { CatalogueEntry } from "./entry.ts";
import { memory } from "./memory.ts";

export const aiMemory: CatalogueEntry = {
  ...memory,
  name: "ai-memory",
  description: "Memory of an assistant: the memory server under the name that older estates have for it.",
};
