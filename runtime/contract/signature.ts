import { basename } from "node:path";
import * as z from "zod";

/** How the process of an MCP server is known by its start command. */
export const signatureSchema = z.strictObject({
  /** npm or PyPI package, for example `@modelcontextprotocol/server-memory`. */
  package: z.string().min(1),
  ecosystem: z.enum(["npm", "pypi"]),
});
export type ServerSignature = z.infer<typeof signatureSchema>;

const NODE = /^(node|nodejs|bun|deno)$/;
const NPM = /^(npm|npx|pnpm|bunx|yarn)$/;
const PYTHON = /^(python|pypy)[\d.]*$/;
const PYTHON_RUNNER = /^(uv|uvx|pipx)$/;

/** Which server a command line starts, or undefined. A shell or an editor that only mentions one starts none. */
export function serverOf(argv: readonly string[], servers: readonly ServerSignature[]): string | undefined {
  // npm writes its whole command into one argument: "npm exec @scope/package".
  const words = argv.length === 1 ? (argv[0] ?? "").split(" ") : argv;
  const program = basename(words[0] ?? "");
  const rest = words.slice(1);
  return servers.find(({ package: name, ecosystem }) => {
    if (ecosystem === "npm") {
      if (NODE.test(program)) return rest[0] !== "-e" && rest.some((word) => word.includes(`/node_modules/${name}/`));
      return NPM.test(program) && rest.some((word) => withoutVersion(word) === name);
    }
    const module = name.replaceAll("-", "_");
    if (PYTHON.test(program))
      return rest[rest.indexOf("-m") + 1] === module || rest.some((word) => word.endsWith(`/bin/${name}`));
    return PYTHON_RUNNER.test(program) && rest.some((word) => word.split(/[=@]/)[0] === name);
  })?.package;
}

/** `@scope/name@1.2.3` without its version. */
function withoutVersion(word: string): string {
  return word.replace(/(.)@[^/]*$/, "$1");
}
