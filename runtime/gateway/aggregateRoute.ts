import { isRecord, type Envelope } from "../wire/envelope.ts";
import { findSpan, type Span } from "../wire/jsonSpans.ts";
import { splitName, type Catalogue } from "./catalogue.ts";
import type { RoutedServer } from "./routedServer.ts";

/** A mistake of the client inside the protocol: a JSON-RPC error in an ordinary answer, as MCP has it. */
export class RpcMistake extends Error {
  override readonly name = "RpcMistake";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
const RESOURCE_NOT_FOUND = -32002;
const URI_METHODS: ReadonlySet<string> = new Set(["resources/read", "resources/subscribe", "resources/unsubscribe"]);

/** What names and URIs are looked up in. */
export interface Surroundings {
  readonly catalogue: Catalogue;
  readonly server: (name: string) => RoutedServer | undefined;
  readonly names: () => readonly string[];
}

/** The server of a request, and what must be replaced in it. */
export interface Route {
  readonly server: RoutedServer;
  readonly local: string;
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
}

/** Where a request goes, by the name or the URI in it. Throws RpcMistake, or Fault "unavailable". */
export async function findRoute(envelope: Envelope, surroundings: Surroundings): Promise<Route> {
  const { method, params = {} } = envelope;
  if (method === "tools/call" || method === "prompts/get")
    return byName(surroundings, envelope, params["name"], ["params", "name"]);
  if (URI_METHODS.has(method)) return byUri(surroundings, params["uri"]);
  const ref = params["ref"];
  if (method === "completion/complete" && isRecord(ref)) {
    return ref["type"] === "ref/prompt"
      ? byName(surroundings, envelope, ref["name"], ["params", "ref", "name"])
      : byUri(surroundings, ref["uri"]);
  }
  throw new RpcMistake(METHOD_NOT_FOUND, `${method} is not offered for all servers together; use /servers/NAME/mcp`);
}

function byName(surroundings: Surroundings, envelope: Envelope, name: unknown, path: readonly string[]): Route {
  const parts = typeof name === "string" ? splitName(name) : undefined;
  const server = parts === undefined ? undefined : surroundings.server(parts.server);
  const span = findSpan(envelope.text, path);
  if (parts === undefined || server === undefined || span === undefined) {
    throw new RpcMistake(
      INVALID_PARAMS,
      `unknown name ${JSON.stringify(name)}: SERVER__NAME with one of ${surroundings.names().join(", ")}`,
    );
  }
  server.requireRoutable();
  const { tools } = server.state;
  if (server.routable && envelope.method === "tools/call" && !tools.includes(parts.local)) {
    throw new RpcMistake(
      INVALID_PARAMS,
      `${parts.server} has no tool ${JSON.stringify(parts.local)}; known: ${tools.join(", ")}`,
    );
  }
  return { server, local: parts.local, edits: [{ span, text: JSON.stringify(parts.local) }] };
}

async function byUri(surroundings: Surroundings, uri: unknown): Promise<Route> {
  const server = typeof uri === "string" ? await surroundings.catalogue.ownerOf(uri) : undefined;
  if (server === undefined)
    throw new RpcMistake(RESOURCE_NOT_FOUND, `no server offers the resource ${JSON.stringify(uri)}`);
  return { server, local: String(uri), edits: [] };
}
