import type { CatalogueEntry } from "./entry.ts";

export const codacy: CatalogueEntry = {
  name: "codacy",
  description: "Findings of Codacy in repositories.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@codacy/codacy-mcp",
    version: "0.5.9",
    lockFolder: "components/catalogue/locks/codacy",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@codacy/codacy-mcp/dist/index.js"],
  needs: { CODACY_ACCOUNT_TOKEN: "a token of the account that it acts for" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "every tool asks Codacy; any token starts it",
};
