import type { CatalogueEntry } from "./entry.ts";

export const taskRunner: CatalogueEntry = {
  name: "task-runner",
  description: "Plans, splits and verifies tasks.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "mcp-shrimp-task-manager",
    version: "1.0.21",
    lockFolder: "components/catalogue/locks/task-runner",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/mcp-shrimp-task-manager/dist/index.js"],
  env: { DATA_DIR: "/data", ENABLE_GUI: "false", TEMPLATES_USE: "en" },
  limitClass: "light",
  sharing: "shared",
  repeatableTools: ["list_tasks"],
  volumes: [{ name: "data", path: "/data" }],
  proof: { tool: "list_tasks", arguments: { status: "all" } },
};
