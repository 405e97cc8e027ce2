import type { CatalogueEntry } from "./entry.ts";

export const fetch: CatalogueEntry = {
  name: "fetch",
  description: "Fetches a page and returns it as Markdown.",
  runtime: "python",
  package: {
    ecosystem: "pypi",
    name: "mcp-server-fetch",
    version: "2026.10.24",
    lockFolder: "components/catalogue/locks/fetch",
  },
  transport: "stdio",
  // Private addresses are allowed by the server because the network decides what it reaches, not the server: it has
  // no way out unless the stack declares one.
  command: ["/usr/bin/python3", "-m", "mcp_server_fetch", "--allow-private-ips"],
  // No Node on PATH: its HTML library would start one for each page that it extracts.
  env: { PATH: "/usr/bin:/bin", PYTHONPATH: "/app/site-packages", PYTHONDONTWRITEBYTECODE: "1" },
  limitClass: "light",
  sharing: "shared",
  // It sends GET alone, which HTTP declares repeatable.
  repeatableTools: ["fetch"],
  // The supervisor's own page: proves a whole fetch without leaving the container.
  proof: { tool: "fetch", arguments: { url: "http://127.0.0.1:8000/health" } },
};
