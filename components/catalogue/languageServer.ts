import type { CatalogueEntry } from "./entry.ts";

export const languageServer: CatalogueEntry = {
  name: "language-server",
  description: "Finds definitions and references of TypeScript below /workspace, by a language server.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "cclsp",
    version: "0.7.0",
    lockFolder: "components/catalogue/locks/language-server",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/cclsp/dist/index.js"],
  cwd: "/workspace",
  env: { CCLSP_CONFIG_PATH: "/etc/mcp-estate/cclsp.json" },
  files: {
    "/etc/mcp-estate/cclsp.json":
      '{"servers":[{"extensions":["ts","tsx","js","jsx"],"command":["/usr/local/bin/node","/app/node_modules/typescript-language-server/lib/cli.mjs","--stdio"],"rootDir":"/workspace"}]}\n',
    "/opt/mcp-estate/proof/proof.ts":
      "export function proof(): number {\n  return 1;\n}\nexport const twice = proof() + proof();\n",
  },
  limitClass: "language-server",
  sharing: "shared",
  repeatableTools: ["find_definition", "find_references"],
  volumes: [{ name: "workspace", path: "/workspace" }],
  proof: {
    tool: "find_definition",
    arguments: { file_path: "/opt/mcp-estate/proof/proof.ts", symbol_name: "proof" },
    expectText: "proof.ts:1",
  },
  remarks: "9 processes and 79 threads measured with one project.",
};
