import type { CatalogueEntry } from "./entry.ts";

export const knowledgeGraph: CatalogueEntry = {
  name: "knowledge-graph",
  description:
    "Knowledge graph of entities and relations: the memory server under the name that older estates have for it.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@modelcontextprotocol/server-memory",
    version: "2026.8.31",
    lockFolder: "components/catalogue/locks/memory",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@modelcontextprotocol/server-memory/dist/index.js"],
  env: { MEMORY_FILE_PATH: "/data/memory.jsonl" },
  limitClass: "light",
  sharing: "shared",
  repeatableTools: ["read_graph", "search_nodes", "open_nodes"],
  volumes: [{ name: "data", path: "/data" }],
  proof: { tool: "search_nodes", arguments: { query: "mcp-estate-proof" }, expectText: "entities" },
};
