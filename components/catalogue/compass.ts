import type { CatalogueEntry } from "./entry.ts";

export const compass: CatalogueEntry = {
  name: "compass",
  description: "Recommends MCP servers.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@liuyoshio/mcp-compass",
    version: "1.0.7",
    lockFolder: "components/catalogue/locks/compass",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@liuyoshio/mcp-compass/build/index.js"],
  limitClass: "light",
  sharing: "shared",
  listsOnly: "its one tool asks a service of its makers",
};
