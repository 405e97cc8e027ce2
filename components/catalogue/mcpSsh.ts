import type { CatalogueEntry } from "./entry.ts";

export const mcpSsh: CatalogueEntry = {
  name: "mcp-ssh",
  description: "Commands and files on other hosts over SSH.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "ssh-mcp",
    version: "2.11.0",
    lockFolder: "components/catalogue/locks/mcp-ssh",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/ssh-mcp/build/index.js", "--host=127.0.0.1", "--user=nobody"],
  needs: { SSH_MCP_PASSWORD: "of the account on that host" },
  limitClass: "light",
  sharing: "shared",
  proof: { tool: "list-connections", arguments: {} },
  remarks: 'args of the stack name the host: ["--host=…", "--user=…"]; the last ones win. egress: ["HOST:22"].',
};
