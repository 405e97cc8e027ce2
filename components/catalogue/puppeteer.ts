import type { CatalogueEntry } from "./entry.ts";

export const puppeteer: CatalogueEntry = {
  name: "puppeteer",
  description: "A browser that is driven by selectors and scripts.",
  runtime: "node",
  debianPackages: ["chromium"],
  package: {
    ecosystem: "npm",
    name: "@modelcontextprotocol/server-puppeteer",
    version: "2025.5.12",
    lockFolder: "components/catalogue/locks/puppeteer",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@modelcontextprotocol/server-puppeteer/dist/index.js"],
  cwd: "/tmp",
  env: { HOME: "/tmp", PUPPETEER_EXECUTABLE_PATH: "/usr/bin/chromium", DOCKER_CONTAINER: "1" },
  limitClass: "browser",
  sharing: "shared",
  proof: {
    tool: "puppeteer_navigate",
    arguments: { url: "data:text/html,<title>mcp-estate-proof</title>" },
    expectText: "Navigated",
  },
  remarks: "Archived by its makers.",
};
