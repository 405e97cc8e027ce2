/**
 * MCP of one server for a caller that may use some of its tools and nothing else. Resources, prompts and the log belong
 * to the server as a whole: nothing says which tool they would give away.
 *
 * Messages are written anew from what was checked. Readers do not agree about a key that stands twice, nor about one in
 * other letters (Go's encoding/json takes "Name" for "name"), so that a text which is handed on as it came could name
 * one tool to the gateway and another to the server.
 */
import { isRecord, parseEnvelope, resultText, type Envelope } from "../wire/envelope.ts";
import { DuplicateKeyError, memberSpans } from "../wire/jsonSpans.ts";
import { INVALID_PARAMS, METHOD_NOT_FOUND, RpcMistake } from "./rpcMistake.ts";
import type { ServerScope } from "./scope.ts";

const REQUESTS: ReadonlySet<string> = new Set(["initialize", "ping", "tools/list", "tools/call"]);
const NOTIFICATIONS: ReadonlySet<string> = new Set([
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/roots/list_changed",
]);
/** Requests whose answers must be looked at: they have to come in one piece. */
const FILTERED: ReadonlySet<string> = new Set(["initialize", "tools/list"]);

/** What the caller may have sent, as the server gets it; undefined for a notification that is not for it. Throws RpcMistake. */
export function narrowMessage(message: Envelope, scope: ServerScope): string | undefined {
  const { kind, method, text } = message;
  if (kind === "notification" && !NOTIFICATIONS.has(method)) return undefined;
  if (kind === "request" && !REQUESTS.has(method)) throw new RpcMistake(METHOD_NOT_FOUND, `unknown method ${method}`);
  const given = rawMembers(text);
  const members = [`"jsonrpc":"2.0"`];
  if (message.idText !== undefined) members.push(`"id":${message.idText}`);
  if (kind === "response") members.push(...pick(given, ["result", "error"]));
  else members.push(`"method":${JSON.stringify(method)}`);
  if (method === "tools/call") members.push(`"params":${callParams(message, given.get("params") ?? "{}", scope)}`);
  else if (kind !== "response") members.push(...pick(given, ["params"]));
  return `{${members.join()}}`;
}

/** The server's answer to `method` without what the caller may not know. */
export function narrowAnswer(method: string, text: string, scope: ServerScope): string {
  const { idText = "null", result } = parseEnvelope(text);
  if (!isRecord(result)) return text;
  if (method === "tools/list") {
    const tools = Array.isArray(result["tools"]) ? result["tools"].filter(isRecord) : [];
    return resultText(idText, { ...result, tools: tools.filter(({ name }) => scope.allows(String(name))) });
  }
  const { protocolVersion, serverInfo, capabilities } = result;
  const tools = isRecord(capabilities) ? capabilities["tools"] : undefined;
  // the instructions tell of all tools
  return resultText(idText, { protocolVersion, capabilities: { tools: tools ?? {} }, serverInfo });
}

/** Must the answer come in one piece, for narrowAnswer? */
export function isFiltered(method: string): boolean {
  return FILTERED.has(method);
}

/** Whether there is such a tool is not told. */
export function unknownTool(name: unknown): RpcMistake {
  return new RpcMistake(INVALID_PARAMS, `unknown tool: ${JSON.stringify(name)}`);
}

function callParams({ params = {} }: Envelope, text: string, scope: ServerScope): string {
  const { name } = params;
  if (typeof name !== "string" || !scope.allows(name)) throw unknownTool(name);
  const given = rawMembers(text);
  return `{${[`"name":${JSON.stringify(name)}`, ...pick(given, ["arguments", "_meta"])].join()}}`;
}

/** Key → JSON text of its value. Throws RpcMistake when a key stands twice. */
function rawMembers(text: string): Map<string, string> {
  try {
    return new Map([...memberSpans(text)].map(([key, { start, end }]) => [key, text.slice(start, end)]));
  } catch (error) {
    if (error instanceof DuplicateKeyError) throw new RpcMistake(INVALID_PARAMS, error.message);
    throw error;
  }
}

function pick(given: ReadonlyMap<string, string>, keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const value = given.get(key);
    return value === undefined ? [] : [`${JSON.stringify(key)}:${value}`];
  });
}
