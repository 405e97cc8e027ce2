import type { CatalogueEntry } from "./entry.ts";

export const everything: CatalogueEntry = {
  name: "everything",
  description: "Test server that exercises every part of the protocol.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@modelcontextprotocol/server-everything",
    version: "2026.8.31",
    lockFolder: "components/catalogue/locks/everything",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@modelcontextprotocol/server-everything/dist/index.js", "stdio"],
  limitClass: "light",
  sharing: "shared",
  repeatableTools: ["echo", "get-sum", "get-tiny-image", "get-structured-content", "trigger-long-running-operation"],
  proof: { tool: "echo", arguments: { message: "mcp-estate-proof" }, expectText: "mcp-estate-proof" },
};
