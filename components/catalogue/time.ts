import type { CatalogueEntry } from "./entry.ts";

export const time: CatalogueEntry = {
  name: "time",
  description: "Times of the world.",
  runtime: "python",
  package: {
    ecosystem: "pypi",
    name: "mcp-server-time",
    version: "2026.10.19",
    lockFolder: "components/catalogue/locks/time",
  },
  transport: "stdio",
  command: ["/usr/bin/python3", "-m", "mcp_server_time"],
  env: { PYTHONPATH: "/app/site-packages", PYTHONDONTWRITEBYTECODE: "1" },
  limitClass: "light",
  sharing: "shared",
  repeatableTools: ["get_current_time", "convert_time"],
  proof: {
    tool: "convert_time",
    arguments: { source_timezone: "UTC", time: "12:00", target_timezone: "Asia/Tokyo" },
    expectText: "21:00",
  },
};
