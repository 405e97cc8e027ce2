import type { CatalogueEntry } from "./entry.ts";

export const linear: CatalogueEntry = {
  name: "linear",
  description: "Issues and projects on Linear.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@tacticlaunch/mcp-linear",
    version: "1.4.3",
    lockFolder: "components/catalogue/locks/linear",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@tacticlaunch/mcp-linear/dist/index.js"],
  needs: { LINEAR_API_TOKEN: "a token of the account that it acts for" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "every tool asks Linear; any token starts it",
};
