import type { CatalogueEntry } from "./entry.ts";

export const github: CatalogueEntry = {
  name: "github",
  description: "Repositories, issues and pull requests on GitHub.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@modelcontextprotocol/server-github",
    version: "2025.4.8",
    lockFolder: "components/catalogue/locks/github",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@modelcontextprotocol/server-github/dist/index.js"],
  needs: { GITHUB_PERSONAL_ACCESS_TOKEN: "a token of the account that it acts for" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "every tool asks GitHub",
  remarks: 'Archived by its makers. egress: ["api.github.com:443"].',
};
