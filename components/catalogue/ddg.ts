import type { CatalogueEntry } from "./entry.ts";

export const ddg: CatalogueEntry = {
  name: "ddg",
  description: "Searches with DuckDuckGo and reads pages.",
  runtime: "python",
  package: {
    ecosystem: "pypi",
    name: "duckduckgo-mcp-server",
    version: "0.7.0",
    lockFolder: "components/catalogue/locks/ddg",
  },
  transport: "stdio",
  command: ["/usr/bin/python3", "-c", "from duckduckgo_mcp_server.server import main; main()"],
  env: { PYTHONPATH: "/app/site-packages", PYTHONDONTWRITEBYTECODE: "1", PATH: "/usr/bin:/bin" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "every tool asks DuckDuckGo, which a closed container does not reach",
  remarks: 'egress: ["*.duckduckgo.com:443", …] lets it search.',
};
