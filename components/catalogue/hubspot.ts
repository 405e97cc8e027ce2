import type { CatalogueEntry } from "./entry.ts";

export const hubspot: CatalogueEntry = {
  name: "hubspot",
  description: "Contacts, companies and deals on HubSpot.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@hubspot/mcp-server",
    version: "0.4.0",
    lockFolder: "components/catalogue/locks/hubspot",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@hubspot/mcp-server/dist/index.js"],
  needs: { PRIVATE_APP_ACCESS_TOKEN: "a token of the private app that it acts for" },
  limitClass: "light",
  sharing: "shared",
  proof: {
    tool: "hubspot-get-link",
    arguments: {
      portalId: "1",
      uiDomain: "app.hubspot.com",
      pageRequests: [{ pagetype: "record", objectTypeId: "0-1", objectId: "1" }],
    },
    expectText: "record/0-1/1",
  },
  remarks: "The proof builds a link, which needs no account: any token starts it.",
};
