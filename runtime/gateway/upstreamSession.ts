import { isRecord, notificationText, requestText } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { COMMON_HEADER, PRINCIPAL_HEADER } from "../wire/gatewayHeaders.ts";
import { LATEST_REVISION } from "../wire/revisions.ts";
import type { Upstream } from "./upstream.ts";

/** What a client tells about itself; decides what an isolated server may ask it. */
export interface ClientParams {
  readonly capabilities: object;
  readonly clientInfo: object;
}

export const GATEWAY_CLIENT: ClientParams = {
  capabilities: {},
  clientInfo: { name: "mcp-estate-gateway", version: "1" },
};

/** Whose session it is. */
export interface SessionOwner {
  readonly principal: string | undefined;
  /** For all calls of the principal that have no session of their own, through whichever gateway they come. */
  readonly common: boolean;
}

export interface OpenedSession {
  readonly id: string;
  /** Of the server, from its initialize result. */
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** A new MCP session, or the principal's common one. Rejects with a Fault. */
export async function openSession(
  upstream: Upstream,
  client: ClientParams,
  owner: SessionOwner,
  signal: AbortSignal,
): Promise<OpenedSession> {
  const headers = { ...MCP_HEADERS, ...ownerHeaders(owner) };
  const opened = await upstream.send({
    method: "POST",
    path: "/mcp",
    headers,
    body: requestText(0, "initialize", { protocolVersion: LATEST_REVISION, ...client }),
    signal,
  });
  const text = await opened.body.text();
  const session = opened.headers["mcp-session-id"];
  if (opened.statusCode !== 200 || typeof session !== "string") {
    const kind = opened.statusCode === 503 ? "unavailable" : "upstream";
    throw new Fault(kind, `${upstream.name}: no session: ${rpcMessage(text) ?? `HTTP ${opened.statusCode}`}`);
  }
  const greeted = await upstream.send({
    method: "POST",
    path: "/mcp",
    headers: { ...headers, "mcp-session-id": session },
    body: notificationText("notifications/initialized"),
    signal,
  });
  await greeted.body.dump();
  return { id: session, capabilities: capabilitiesIn(text) };
}

/** What every MCP POST to a supervisor carries. */
export const MCP_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": LATEST_REVISION,
} as const;

export function ownerHeaders({ principal, common }: SessionOwner): Record<string, string> {
  return {
    ...(principal !== undefined && { [PRINCIPAL_HEADER]: principal }),
    ...(common && { [COMMON_HEADER]: "1" }),
  };
}

/** The message of a JSON-RPC error, where the text is one. */
function rpcMessage(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const error = isRecord(body) ? body["error"] : undefined;
    return isRecord(error) && typeof error["message"] === "string" ? error["message"] : undefined;
  } catch {
    return undefined;
  }
}

function capabilitiesIn(text: string): Readonly<Record<string, unknown>> {
  const { result } = JSON.parse(text) as { result?: unknown };
  const capabilities = isRecord(result) ? result["capabilities"] : undefined;
  return isRecord(capabilities) ? capabilities : {};
}
