import { isRecord } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { Deadline } from "./deadline.ts";
import type { RoutedServer } from "./routedServer.ts";
import type { VisibleServer, VisibleServers } from "./visibleServers.ts";

/** Joins a server's name and its tool's; server names hold no underscore, so the first two end the name. */
export const SEPARATOR = "__";

export type CatalogueKind = "tools" | "prompts" | "resources" | "templates";
export type Definition = Readonly<Record<string, unknown>>;

/** One slow listing must not hold up the list of all. */
const LIST_TIMEOUT_MS = 5000;
/** Definitions may change without their names: after this they are read again. */
const FRESH_MS = 60_000;

/** `server__tool` → its parts, or undefined when it has no server. */
export function splitName(name: string): { readonly server: string; readonly local: string } | undefined {
  const at = name.indexOf(SEPARATOR);
  return at <= 0 ? undefined : { server: name.slice(0, at), local: name.slice(at + SEPARATOR.length) };
}

interface Cached {
  readonly version: string;
  readonly at: number;
  readonly items: Promise<readonly Definition[]>;
}

async function fetchList(server: RoutedServer, kind: CatalogueKind): Promise<readonly Definition[]> {
  const deadline = new Deadline(`${server.name}: list of ${kind}`, LIST_TIMEOUT_MS);
  try {
    const upstream = server.pick();
    const answer = await upstream.send({ method: "GET", path: `/list/${kind}`, signal: deadline.signal });
    const body: unknown = await answer.body.json();
    const items = isRecord(body) ? body[kind] : undefined;
    if (answer.statusCode !== 200 || !Array.isArray(items))
      throw new Fault("upstream", `${server.name} did not list its ${kind}`);
    return items.filter(isRecord);
  } finally {
    deadline.clear();
  }
}

/** A URI template as a pattern: each expression stands for some text (RFC 6570, level 1). */
export function templatePattern(template: string): RegExp {
  const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const parts = template.split(/\{[^}]*\}/).map(literal);
  return new RegExp(`^${parts.join(".+?")}$`);
}

function isVisible(kind: CatalogueKind, item: Definition, scope: VisibleServer["scope"]): boolean {
  return kind === "tools" ? scope.allows(String(item["name"])) : scope.whole;
}

/** What all healthy servers that a caller sees offer together. */
export class Catalogue {
  readonly #cache = new WeakMap<RoutedServer, Map<CatalogueKind, Cached>>();

  /** Tools or prompts as `server__name`. A server that does not answer is left out, and holds up the others 5 s at most. */
  async named(kind: "tools" | "prompts", servers: VisibleServers): Promise<Definition[]> {
    const all = await this.#all(kind, servers);
    return all.map(({ server, item }) => ({ ...item, name: `${server.name}${SEPARATOR}${String(item["name"])}` }));
  }

  /** Resources or templates, under their own URIs. */
  async located(kind: "resources" | "templates", servers: VisibleServers): Promise<Definition[]> {
    return (await this.#all(kind, servers)).map(({ item }) => item);
  }

  /** The server that offers a URI, listed or by template. */
  async ownerOf(uri: string, servers: VisibleServers): Promise<RoutedServer | undefined> {
    const listed = (await this.#all("resources", servers)).find(({ item }) => item["uri"] === uri);
    if (listed !== undefined) return listed.server;
    const templates = await this.#all("templates", servers);
    return templates.find(
      ({ item }) => item["uriTemplate"] === uri || templatePattern(String(item["uriTemplate"])).test(uri),
    )?.server;
  }

  /** Its lists are read again when next asked for. */
  forget(server: RoutedServer): void {
    this.#cache.delete(server);
  }

  async #all(
    kind: CatalogueKind,
    servers: VisibleServers,
  ): Promise<{ readonly server: RoutedServer; readonly item: Definition }[]> {
    const lists = await Promise.all(
      servers.list().map(async ({ server, scope }) => {
        if (!server.routable) return [];
        const items = await this.#list(server, kind).catch((): readonly Definition[] => []);
        return items.filter((item) => isVisible(kind, item, scope)).map((item) => ({ server, item }));
      }),
    );
    return lists.flat();
  }

  #list(server: RoutedServer, kind: CatalogueKind): Promise<readonly Definition[]> {
    const kinds = this.#cache.get(server) ?? new Map<CatalogueKind, Cached>();
    this.#cache.set(server, kinds);
    const { toolsVersion, restarts } = server.state;
    const version = `${toolsVersion}/${restarts}`;
    const known = kinds.get(kind);
    if (known !== undefined && known.version === version && Date.now() - known.at < FRESH_MS) return known.items;
    const items = fetchList(server, kind);
    const entry = { version, at: Date.now(), items };
    kinds.set(kind, entry);
    // a failed listing is asked again, never kept as an empty one
    items.catch(() => kinds.get(kind) === entry && kinds.delete(kind));
    return items;
  }
}
