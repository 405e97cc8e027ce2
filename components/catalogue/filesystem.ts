import type { CatalogueEntry } from "./entry.ts";

export const filesystem: CatalogueEntry = {
  name: "filesystem",
  description: "Reads and writes files below /files.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@modelcontextprotocol/server-filesystem",
    version: "2026.8.31",
    lockFolder: "components/catalogue/locks/filesystem",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", "/files"],
  limitClass: "light",
  sharing: "shared",
  repeatableTools: [
    "read_text_file",
    "read_media_file",
    "read_multiple_files",
    "list_directory",
    "list_directory_with_sizes",
    "directory_tree",
    "search_files",
    "get_file_info",
    "list_allowed_directories",
  ],
  volumes: [{ name: "files", path: "/files" }],
  proof: { tool: "list_allowed_directories", arguments: {}, expectText: "/files" },
};
