import { isRecord, parseEnvelope, type Envelope } from "../wire/envelope.ts";
import { findSpan, type Span } from "../wire/jsonSpans.ts";
import { splitName, type Catalogue } from "./catalogue.ts";
import type { RoutedServer } from "./routedServer.ts";
import { INVALID_PARAMS, METHOD_NOT_FOUND, RESOURCE_NOT_FOUND, RpcMistake } from "./rpcMistake.ts";
import { narrowMessage } from "./someTools.ts";
import { missingTool, type VisibleServer, type VisibleServers } from "./visibleServers.ts";

const URI_METHODS: ReadonlySet<string> = new Set(["resources/read", "resources/subscribe", "resources/unsubscribe"]);

/** What names and URIs are looked up in. */
export interface Surroundings {
  readonly catalogue: Catalogue;
  readonly servers: VisibleServers;
}

/** The server of a request, and what must be replaced in it. */
export interface Route {
  readonly server: RoutedServer;
  readonly local: string;
  /** As the server may have it. */
  readonly request: Envelope;
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
}

/** Where a request goes, by the name or the URI in it. Throws RpcMistake, or Fault "unavailable". */
export async function findRoute(envelope: Envelope, surroundings: Surroundings): Promise<Route> {
  const { method, params = {} } = envelope;
  if (method === "tools/call" || method === "prompts/get")
    return byName(surroundings, envelope, params["name"], ["params", "name"]);
  if (URI_METHODS.has(method)) return byUri(surroundings, envelope, params["uri"]);
  const ref = params["ref"];
  if (method === "completion/complete" && isRecord(ref)) {
    return ref["type"] === "ref/prompt"
      ? byName(surroundings, envelope, ref["name"], ["params", "ref", "name"])
      : byUri(surroundings, envelope, ref["uri"]);
  }
  throw new RpcMistake(METHOD_NOT_FOUND, `${method} is not offered for all servers together; use /servers/NAME/mcp`);
}

function byName(surroundings: Surroundings, envelope: Envelope, name: unknown, path: readonly string[]): Route {
  const { servers } = surroundings;
  const parts = typeof name === "string" ? splitName(name) : undefined;
  const visible = parts === undefined ? undefined : servers.find(parts.server);
  if (parts === undefined || visible === undefined) throw unknownName(name, servers);
  const { server, scope } = visible;
  server.requireRoutable();
  const missing = envelope.method === "tools/call" ? missingTool(visible, parts.local) : undefined;
  if (missing !== undefined) throw new RpcMistake(INVALID_PARAMS, missing);
  const request = scope.whole ? envelope : narrowed(envelope, parts.local, visible);
  const span = findSpan(request.text, path);
  if (span === undefined) throw unknownName(name, servers);
  return { server, local: parts.local, request, edits: [{ span, text: JSON.stringify(parts.local) }] };
}

/** Prompts and completions belong to the server as a whole. */
function narrowed(envelope: Envelope, tool: string, { server, scope }: VisibleServer): Envelope {
  if (envelope.method !== "tools/call") throw new RpcMistake(INVALID_PARAMS, `${server.name} has no prompts`);
  const allows = (joint: string): boolean => splitName(joint)?.local === tool && scope.allows(tool);
  return parseEnvelope(narrowMessage(envelope, { whole: false, allows }) ?? "");
}

function unknownName(name: unknown, servers: VisibleServers): RpcMistake {
  return new RpcMistake(
    INVALID_PARAMS,
    `unknown name ${JSON.stringify(name)}: SERVER__NAME with one of ${servers.names.join(", ")}`,
  );
}

async function byUri({ catalogue, servers }: Surroundings, envelope: Envelope, uri: unknown): Promise<Route> {
  const server = typeof uri === "string" ? await catalogue.ownerOf(uri, servers) : undefined;
  if (server === undefined)
    throw new RpcMistake(RESOURCE_NOT_FOUND, `no server offers the resource ${JSON.stringify(uri)}`);
  return { server, local: String(uri), request: envelope, edits: [] };
}
