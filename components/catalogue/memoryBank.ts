import type { CatalogueEntry } from "./entry.ts";

export const memoryBank: CatalogueEntry = {
  name: "memory-bank",
  description: "Notes of projects as Markdown files.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@allpepper/memory-bank-mcp",
    version: "0.2.2",
    lockFolder: "components/catalogue/locks/memory-bank",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@allpepper/memory-bank-mcp/dist/main/index.js"],
  env: { MEMORY_BANK_ROOT: "/data" },
  limitClass: "light",
  sharing: "shared",
  repeatableTools: ["list_projects", "list_project_files", "memory_bank_read"],
  volumes: [{ name: "data", path: "/data" }],
  proof: { tool: "list_projects", arguments: {} },
};
