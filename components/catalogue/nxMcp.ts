import type { CatalogueEntry } from "./entry.ts";

export const nxMcp: CatalogueEntry = {
  name: "nx-mcp",
  description: "Documentation of Nx.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "nx-mcp",
    version: "0.25.0",
    lockFolder: "components/catalogue/locks/nx-mcp",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/nx-mcp/main.js"],
  env: { NX_NO_CLOUD: "true", NX_DAEMON: "false" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "its one tool without a workspace asks a service of its makers",
};
