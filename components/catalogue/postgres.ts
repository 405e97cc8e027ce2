import type { CatalogueEntry } from "./entry.ts";

export const postgres: CatalogueEntry = {
  name: "postgres",
  description: "Read-only queries on one PostgreSQL database.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@modelcontextprotocol/server-postgres",
    version: "0.6.2",
    lockFolder: "components/catalogue/locks/postgres",
  },
  transport: "stdio",
  command: [
    "/bin/sh",
    "-c",
    'exec /usr/local/bin/node /app/node_modules/@modelcontextprotocol/server-postgres/dist/index.js "$DATABASE_URL"',
  ],
  needs: { DATABASE_URL: "postgresql://USER:PASSWORD@HOST:PORT/DATABASE of an account that may only read" },
  limitClass: "light",
  sharing: "shared",
  repeatableTools: ["query"],
  proof: { tool: "query", arguments: { sql: "SELECT 6 * 7 AS answer" }, expectText: "42" },
  proofReaches: "the database that DATABASE_URL names",
  remarks:
    "Archived by its makers; it reads with a transaction that cannot write. It needs no Docker. egress: [HOST:5432] lets it reach the database.",
};
