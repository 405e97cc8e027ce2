import type { CatalogueEntry } from "./entry.ts";
import { memory } from "./memory.ts";

export const knowledgeGraph: CatalogueEntry = {
  ...memory,
  name: "knowledge-graph",
  description:
    "Knowledge graph of entities and relations: the memory server under the name that older estates have for it.",
};
