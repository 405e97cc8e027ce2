import type { CatalogueEntry } from "./entry.ts";

export const sequentialThinking: CatalogueEntry = {
  name: "sequential-thinking",
  description: "Keeps a chain of thoughts with revisions and branches.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@modelcontextprotocol/server-sequential-thinking",
    version: "2026.8.31",
    lockFolder: "components/catalogue/locks/sequential-thinking",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@modelcontextprotocol/server-sequential-thinking/dist/index.js"],
  // The server prints each thought to its log otherwise.
  env: { DISABLE_THOUGHT_LOGGING: "true" },
  // Room for a child per session beside the one that answers probes.
  limitClass: "standard",
  // The thoughts of a session are that caller's state.
  sharing: "isolated",
  proof: {
    tool: "sequentialthinking",
    arguments: { thought: "proof", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 },
    expectText: "thoughtNumber",
  },
};
