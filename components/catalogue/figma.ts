import type { CatalogueEntry } from "./entry.ts";

export const figma: CatalogueEntry = {
  name: "figma",
  description: "Layout of files on Figma.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "figma-developer-mcp",
    version: "0.13.2",
    lockFolder: "components/catalogue/locks/figma",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/figma-developer-mcp/dist/bin.js", "--stdio"],
  needs: { FIGMA_API_KEY: "a key of the account that it acts for" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "every tool asks Figma; any key starts it",
};
