import type { CatalogueEntry } from "./entry.ts";

export const notion: CatalogueEntry = {
  name: "notion",
  description: "Pages and databases on Notion.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@notionhq/notion-mcp-server",
    version: "2.5.2",
    lockFolder: "components/catalogue/locks/notion",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@notionhq/notion-mcp-server/bin/cli.mjs"],
  needs: { NOTION_TOKEN: "a token of the integration that it acts for" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "every tool asks Notion; any token starts it",
};
