import type { CatalogueEntry } from "./entry.ts";

export const http: CatalogueEntry = {
  name: "http",
  description: "Requests to one HTTP API.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "dkmaker-mcp-rest-api",
    version: "0.4.0",
    lockFolder: "components/catalogue/locks/http",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/dkmaker-mcp-rest-api/build/index.js"],
  // The supervisor's own page, which proves a whole request; the stack names the API that it is for.
  env: { REST_BASE_URL: "http://127.0.0.1:8000" },
  limitClass: "light",
  sharing: "shared",
  proof: { tool: "test_request", arguments: { method: "GET", endpoint: "/health" }, expectText: "alive" },
  remarks: "env.REST_BASE_URL of the stack names the API, egress lets it reach that.",
};
