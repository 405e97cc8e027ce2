import type { PrincipalContract } from "../contract/index.ts";
import type { RoutedServer } from "./routedServer.ts";
import { Scope, type ServerScope } from "./scope.ts";

/** A server with what its caller may do with it. */
export interface VisibleServer {
  readonly server: RoutedServer;
  readonly scope: ServerScope;
}

/**
 * The servers of an estate as one caller sees them. Every path looks servers, tools and names for its messages up here,
 * so that what is out of scope looks like what does not exist.
 */
export class VisibleServers {
  readonly #all: ReadonlyMap<string, RoutedServer>;
  readonly #scope: Scope;

  /** The scope in words that every gateway has for it. */
  readonly rights: string;

  /** @param all by name; may change later on. @param scope of a caller, as its contract has it. @default all of it */
  constructor(all: ReadonlyMap<string, RoutedServer>, scopes: PrincipalContract["scopes"]) {
    this.rights = JSON.stringify(scopes ?? "all");
    this.#all = all;
    this.#scope = scopes === undefined ? Scope.all : new Scope(scopes);
  }

  find(name: string): VisibleServer | undefined {
    const server = this.#all.get(name);
    const scope = server === undefined ? undefined : this.#scope.of(name);
    return server === undefined || scope === undefined ? undefined : { server, scope };
  }

  list(): VisibleServer[] {
    return [...this.#all.keys()].flatMap((name) => this.find(name) ?? []);
  }

  get names(): string[] {
    return this.list().map(({ server }) => server.name);
  }

  /** May the caller have all that this server offers? */
  isWhole(server: RoutedServer): boolean {
    return this.#scope.of(server.name)?.whole === true;
  }
}

/** Why a call of this tool cannot be; undefined when it can. A server that is being replaced says itself what it has not. */
export function missingTool(visible: VisibleServer, tool: string): string | undefined {
  const { server, scope } = visible;
  if (scope.allows(tool) && (!server.routable || server.state.tools.includes(tool))) return undefined;
  return `${server.name} has no tool ${JSON.stringify(tool)}; known: ${visibleTools(visible).join(", ")}`;
}

/** Tools of a server that its caller sees. */
export function visibleTools({ server, scope }: VisibleServer): readonly string[] {
  const { tools } = server.state;
  return scope.whole ? tools : tools.filter((tool) => scope.allows(tool));
}
