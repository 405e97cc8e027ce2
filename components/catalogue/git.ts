import type { CatalogueEntry } from "./entry.ts";

export const git: CatalogueEntry = {
  name: "git",
  description: "Reads and changes a Git repository below /repository.",
  runtime: "python",
  debianPackages: ["git"],
  package: {
    ecosystem: "pypi",
    name: "mcp-server-git",
    version: "2026.10.19",
    lockFolder: "components/catalogue/locks/git",
  },
  transport: "stdio",
  command: ["/usr/bin/python3", "-m", "mcp_server_git"],
  env: {
    PYTHONPATH: "/app/site-packages",
    PYTHONDONTWRITEBYTECODE: "1",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: "*",
  },
  files: {
    "/opt/mcp-estate/proof/repository/HEAD": "ref: refs/heads/proof\n",
    "/opt/mcp-estate/proof/repository/config": "[core]\n	repositoryformatversion = 0\n	bare = true\n",
    "/opt/mcp-estate/proof/repository/objects/info/empty": "",
    "/opt/mcp-estate/proof/repository/refs/heads/empty/empty": "",
  },
  limitClass: "light",
  sharing: "shared",
  repeatableTools: [
    "git_status",
    "git_log",
    "git_show",
    "git_diff_unstaged",
    "git_diff_staged",
    "git_diff",
    "git_branch",
  ],
  volumes: [{ name: "repository", path: "/repository" }],
  proof: { tool: "git_branch", arguments: { repo_path: "/opt/mcp-estate/proof/repository", branch_type: "local" } },
};
