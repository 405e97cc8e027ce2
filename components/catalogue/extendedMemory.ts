import type { CatalogueEntry } from "./entry.ts";

export const extendedMemory: CatalogueEntry = {
  name: "extended-memory",
  description: "Contexts of projects with importance and tags, in SQLite.",
  runtime: "python",
  package: {
    ecosystem: "pypi",
    name: "extended-memory-mcp",
    version: "0.9.0",
    lockFolder: "components/catalogue/locks/extended-memory",
  },
  transport: "stdio",
  command: ["/usr/bin/python3", "-c", "from extended_memory_mcp.server import mcp_server_entry; mcp_server_entry()"],
  env: { PYTHONPATH: "/app/site-packages", PYTHONDONTWRITEBYTECODE: "1", HOME: "/data" },
  limitClass: "light",
  sharing: "shared",
  repeatableTools: ["load_contexts", "list_all_projects", "get_popular_tags"],
  volumes: [{ name: "data", path: "/data" }],
  proof: { tool: "load_contexts", arguments: { project_id: "mcp-estate-proof" }, expectText: "No saved contexts" },
  remarks: "Not the placeholder mcpbind-extended-memory-mcp.",
};
