import type { CatalogueEntry } from "./entry.ts";

export const asana: CatalogueEntry = {
  name: "asana",
  description: "Tasks and projects on Asana.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@roychri/mcp-server-asana",
    version: "1.8.0",
    lockFolder: "components/catalogue/locks/asana",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@roychri/mcp-server-asana/dist/index.js"],
  needs: { ASANA_ACCESS_TOKEN: "a token of the account that it acts for" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "every tool asks Asana; any token starts it",
};
