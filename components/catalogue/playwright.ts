import type { CatalogueEntry } from "./entry.ts";

export const playwright: CatalogueEntry = {
  name: "playwright",
  description: "A browser that is driven by its accessibility tree.",
  runtime: "node",
  debianPackages: ["chromium"],
  package: {
    ecosystem: "npm",
    name: "@playwright/mcp",
    version: "0.0.83",
    lockFolder: "components/catalogue/locks/playwright",
  },
  transport: "stdio",
  command: [
    "/usr/local/bin/node",
    "/app/node_modules/@playwright/mcp/cli.js",
    "--headless",
    "--isolated",
    "--no-sandbox",
    "--browser",
    "chromium",
    "--executable-path",
    "/usr/bin/chromium",
    "--output-dir",
    "/tmp/playwright",
  ],
  cwd: "/tmp",
  env: { HOME: "/tmp" },
  limitClass: "browser",
  sharing: "shared",
  proof: {
    tool: "browser_navigate",
    arguments: { url: "data:text/html,<title>mcp-estate-proof</title>" },
    expectText: "mcp-estate-proof",
  },
  remarks: "Its own sandbox needs rights that no container of an estate has; the container is the sandbox.",
};
