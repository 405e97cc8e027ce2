import type { CatalogueEntry } from "./entry.ts";

export const claudeFlow: CatalogueEntry = {
  name: "claude-flow",
  description: "Orchestrates agents, swarms and their memory: 353 tools.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "claude-flow",
    version: "3.43.0",
    lockFolder: "components/catalogue/locks/claude-flow",
    // Some of its optional packages are in no registry, for which npm refuses the whole.
    withoutOptional: true,
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/claude-flow/bin/cli.js", "mcp", "start"],
  cwd: "/data",
  env: { CLAUDE_FLOW_LOG_LEVEL: "error" },
  limitClass: "standard",
  sharing: "shared",
  repeatableTools: ["agent_list", "memory_list"],
  volumes: [{ name: "data", path: "/data" }],
  proof: { tool: "agent_list", arguments: {}, expectText: "agents" },
  remarks: "Keeps agents and memory in files below its working directory.",
};
