import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { CatalogueEntry } from "../../components/catalogue/index.ts";

/** Names of the tools that a server lists when its own command runs in the image, with nothing of ours in between. */
export async function listToolsOverStdio(image: string, entry: CatalogueEntry, user: string): Promise<string[]> {
  const [command = "", ...args] = entry.command;
  const env = Object.entries(entry.env ?? {}).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const transport = new StdioClientTransport({
    command: "docker",
    args: ["run", "--rm", "-i", "--network", "none", "--user", user, ...env, "--entrypoint", command, image, ...args],
    stderr: "ignore",
  });
  const client = new Client({ name: "direct", version: "1.0.0" });
  await client.connect(transport);
  try {
    return (await client.listTools()).tools.map((tool) => tool.name);
  } finally {
    await client.close();
  }
}
