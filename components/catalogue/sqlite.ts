import type { CatalogueEntry } from "./entry.ts";

export const sqlite: CatalogueEntry = {
  name: "sqlite",
  description: "Queries on one SQLite database.",
  runtime: "python",
  package: {
    ecosystem: "pypi",
    name: "mcp-server-sqlite",
    version: "2025.4.25",
    lockFolder: "components/catalogue/locks/sqlite",
  },
  transport: "stdio",
  command: ["/usr/bin/python3", "-c", "from mcp_server_sqlite import main; main()", "--db-path", "/data/data.db"],
  env: { PYTHONPATH: "/app/site-packages", PYTHONDONTWRITEBYTECODE: "1" },
  limitClass: "light",
  sharing: "shared",
  repeatableTools: ["read_query", "list_tables", "describe_table"],
  volumes: [{ name: "data", path: "/data" }],
  proof: { tool: "read_query", arguments: { query: "SELECT 6 * 7 AS answer" }, expectText: "42" },
  remarks: "Locked with mcp before 2, on which it depends without saying so.",
};
