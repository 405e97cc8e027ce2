import type { PrincipalContract } from "../contract/index.ts";

/** What a caller may do with one server. */
export interface ServerScope {
  /** All that it offers: tools, resources, prompts, completions, its log. Otherwise some of its tools and nothing else. */
  readonly whole: boolean;
  readonly allows: (tool: string) => boolean;
}

const WHOLE: ServerScope = { whole: true, allows: () => true };
/** In the place of a server's name: all that are not named. */
const ANY = "*";

/** Which servers and tools a caller may use. */
export class Scope {
  static readonly all = new Scope({ [ANY]: ANY });
  readonly #servers: ReadonlyMap<string, ServerScope>;

  /** @param scopes as in the contract: server → "*", or names of tools, of which "read_*" stands for all that begin so. */
  constructor(scopes: NonNullable<PrincipalContract["scopes"]>) {
    this.#servers = new Map(
      Object.entries(scopes).map(([server, tools]) => [server, tools === ANY ? WHOLE : someTools(tools)]),
    );
  }

  /** Undefined: not the server either. */
  of(server: string): ServerScope | undefined {
    return this.#servers.get(server) ?? this.#servers.get(ANY);
  }
}

function someTools(names: readonly string[]): ServerScope {
  const exact = new Set(names.filter((name) => !name.endsWith("*")));
  const prefixes = names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  return {
    whole: false,
    allows: (tool) => exact.has(tool) || prefixes.some((prefix) => tool.startsWith(prefix)),
  };
}
