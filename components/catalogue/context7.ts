import type { CatalogueEntry } from "./entry.ts";

export const context7: CatalogueEntry = {
  name: "context7",
  description: "Documentation of libraries.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@upstash/context7-mcp",
    version: "4.1.1",
    lockFolder: "components/catalogue/locks/context7",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@upstash/context7-mcp/dist/index.js"],
  limitClass: "light",
  sharing: "shared",
  listsOnly: "both tools ask a service of its makers",
  remarks: 'egress: ["context7.com:443"] lets it ask.',
};
