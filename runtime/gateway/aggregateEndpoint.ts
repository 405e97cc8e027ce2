import type { IncomingMessage, ServerResponse } from "node:http";
import {
  errorText,
  idKey,
  isRecord,
  notificationText,
  parseEnvelope,
  resultText,
  type Envelope,
} from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { header, readBody, sendText } from "../wire/httpIo.ts";
import { LOG_LEVELS } from "../wire/logLevels.ts";
import { replaceSpans } from "../wire/jsonSpans.ts";
import { checkRevision, negotiate } from "../wire/revisions.ts";
import { SessionStore } from "../wire/sessionStore.ts";
import { parseEventId } from "../wire/sse.ts";
import { aggregateCall, rewriteForClient, splitServerId } from "./aggregateCall.ts";
import { AggregateSession } from "./aggregateSession.ts";
import { findRoute } from "./aggregateRoute.ts";
import type { Catalogue } from "./catalogue.ts";
import type { CommonLinks } from "./commonLinks.ts";
import type { Caller } from "./execute.ts";
import { RecentIds } from "./recentIds.ts";
import type { RoutedServer } from "./routedServer.ts";
import { INVALID_PARAMS, RpcMistake } from "./rpcMistake.ts";
import type { SealedSession, SessionSeal } from "./sessionSeal.ts";
import { narrowMessage } from "./someTools.ts";
import type { VisibleServers } from "./visibleServers.ts";

export interface AggregateOptions {
  readonly estate: string;
  readonly catalogue: Catalogue;
  readonly links: CommonLinks;
  readonly seal: SessionSeal;
  readonly maxBodyBytes: number;
  readonly timeoutMs: () => number;
}

/** Told what the message is once it is read. */
export type Seen = (method: string, server: string | undefined, tool: string | undefined) => void;

const MAX_SESSIONS = 1000;
const MAX_ENDED = 10_000;

const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
} as const;

/** `/mcp`: all servers as one, tools and prompts named `server__name`, resources under their own URIs. */
export class AggregateEndpoint {
  readonly sessions = new SessionStore<AggregateSession>(() => undefined);
  readonly #options: AggregateOptions;
  /** Ids that clients have given back: they stay ended. */
  readonly #ended = new RecentIds(MAX_ENDED);

  constructor(options: AggregateOptions) {
    this.#options = options;
  }

  /** Rejects with a Fault when no answer has begun. */
  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller, seen: Seen): Promise<void> {
    checkRevision(header(request, "mcp-protocol-version"));
    if (request.method === "POST") return this.#post(request, response, caller, seen);
    request.resume();
    const session = this.#use(request, caller);
    if (request.method === "DELETE") {
      this.#ended.add(session.id);
      this.sessions.remove(session);
      response.writeHead(200, { "content-length": 0 }).end();
    } else if (request.method === "GET") this.#stream(session, request, response);
    else throw new Fault("bad-request", "use POST, GET or DELETE");
  }

  #stream(session: AggregateSession, request: IncomingMessage, response: ServerResponse): void {
    const last = parseEventId(header(request, "last-event-id") ?? "");
    const known = last === undefined ? undefined : session.standing(last.stream);
    (known ?? session.openStanding()).attach(response, {}, known === undefined ? undefined : last?.sequence);
  }

  async #post(request: IncomingMessage, response: ServerResponse, caller: Caller, seen: Seen): Promise<void> {
    const body = await readBody(request, this.#options.maxBodyBytes);
    let envelope: Envelope;
    try {
      envelope = parseEnvelope(body);
    } catch (error) {
      throw new Fault("bad-request", error instanceof Error ? error.message : String(error));
    }
    if (envelope.kind === "request" && envelope.method === "initialize")
      return this.#initialize(envelope, response, caller, seen);
    const session = this.#use(request, caller);
    if (envelope.kind !== "request") {
      seen(envelope.kind === "response" ? "response" : envelope.method, undefined, undefined);
      this.#take(session, envelope, caller);
      response.writeHead(202).end();
      return;
    }
    try {
      await this.#request(session, envelope, response, caller, seen);
    } catch (error) {
      if (!(error instanceof RpcMistake)) throw error;
      sendText(
        response,
        200,
        errorText(envelope.idText, { code: error.code, message: error.message }),
        "application/json",
      );
    }
  }

  #initialize({ params = {}, idText = "null" }: Envelope, response: ServerResponse, caller: Caller, seen: Seen): void {
    seen("initialize", undefined, undefined);
    const capabilities = isRecord(params["capabilities"]) ? params["capabilities"] : {};
    const clientInfo = isRecord(params["clientInfo"]) ? params["clientInfo"] : { name: "unknown", version: "0" };
    const revision = negotiate(params["protocolVersion"]);
    const client = { capabilities, clientInfo };
    const id = this.#options.seal.seal({ revision, client, issuedAt: Date.now() }, holderOf(caller));
    const session = this.#add(id, { revision, client }, caller);
    const serverInfo = { name: "mcp-estate-gateway", title: `MCP servers of ${this.#options.estate}`, version: "1" };
    const result = { protocolVersion: revision, capabilities: CAPABILITIES, serverInfo };
    sendText(response, 200, resultText(idText, result), "application/json", { "mcp-session-id": session.id });
  }

  /** The session of a request: one of this gateway's, or one that another gateway has begun. Throws Fault. */
  #use(request: IncomingMessage, caller: Caller): AggregateSession {
    const id = header(request, "mcp-session-id");
    if (id !== undefined && !this.sessions.knows(id) && !this.#ended.has(id)) {
      const begun = this.#options.seal.open(id, holderOf(caller));
      if (begun !== undefined) this.#add(id, begun, caller);
    }
    return this.sessions.use(id, caller.principal);
  }

  #add(
    id: string,
    { revision, client }: Omit<SealedSession, "issuedAt">,
    { principal, servers }: Caller,
  ): AggregateSession {
    const session = new AggregateSession({
      id,
      revision,
      principal,
      servers,
      client,
      links: this.#options.links,
      received: (to, server, text) => this.#received(to, server, text),
    });
    this.sessions.add(session, MAX_SESSIONS);
    return session;
  }

  async #request(
    session: AggregateSession,
    envelope: Envelope,
    response: ServerResponse,
    { servers, trace }: Caller,
    seen: Seen,
  ): Promise<void> {
    const { idText = "null", method } = envelope;
    const key = idKey(idText);
    if (session.calls.has(key)) throw new Fault("bad-request", `the id ${idText} is in use by a running request`);
    const own = await this.#own(session, envelope, servers);
    if (own !== undefined) {
      seen(method, undefined, undefined);
      sendText(response, 200, resultText(idText, own), "application/json");
      return;
    }
    const { server, local, request, edits } = await findRoute(envelope, {
      catalogue: this.#options.catalogue,
      servers,
    });
    const tool = method === "tools/call" ? local : undefined;
    seen(method, server.name, tool);
    if (method === "resources/subscribe") session.subscribe(server, local);
    if (method === "resources/unsubscribe") session.unsubscribe(server, local);
    await aggregateCall({
      session,
      server,
      tool,
      key,
      request,
      edits,
      response,
      timeoutMs: this.#options.timeoutMs(),
      trace,
    });
  }

  /** What the gateway answers by itself. */
  async #own(
    session: AggregateSession,
    { method, params = {} }: Envelope,
    servers: VisibleServers,
  ): Promise<object | undefined> {
    const { catalogue } = this.#options;
    if (method === "logging/setLevel") return setLevel(session, params["level"]);
    if (method === "ping") return {};
    if (method === "tools/list") return { tools: await catalogue.named("tools", servers) };
    if (method === "prompts/list") return { prompts: await catalogue.named("prompts", servers) };
    if (method === "resources/list") return { resources: await catalogue.located("resources", servers) };
    if (method === "resources/templates/list")
      return { resourceTemplates: await catalogue.located("templates", servers) };
    return undefined;
  }

  /** What a server says of its own accord, with its requests under a joint id. */
  #received(session: AggregateSession, server: RoutedServer, text: string): void {
    if (/list_changed"/.test(text)) this.#options.catalogue.forget(server);
    session.push(rewriteForClient(text, server.name, "null"));
  }

  /** A cancellation goes where the call went; an answer goes to the isolated server that asked. */
  #take(session: AggregateSession, envelope: Envelope, { servers, trace }: Caller): void {
    if (envelope.kind === "response") {
      const target = splitServerId(envelope.idText ?? "null");
      const visible = target === undefined ? undefined : servers.find(target.server);
      const link = visible === undefined ? undefined : session.ownLink(visible.server);
      if (target === undefined || visible === undefined || link === undefined) return;
      const { scope } = visible;
      const answer = scope.whole ? envelope : parseEnvelope(narrowMessage(envelope, scope) ?? "");
      if (answer.idSpan === undefined) return;
      const body = replaceSpans(answer.text, [{ span: answer.idSpan, text: target.idText }]);
      link.tell(body, trace, this.#options.timeoutMs());
    } else if (envelope.method === "notifications/cancelled") {
      const call = session.calls.get(idKey(JSON.stringify(envelope.params?.["requestId"] ?? null)));
      if (call === undefined) return;
      const given = envelope.params?.["reason"];
      const reason = typeof given === "string" ? given : "cancelled by the client";
      const body = notificationText("notifications/cancelled", { requestId: call.upstreamId, reason });
      call.link.tell(body, trace, this.#options.timeoutMs());
      call.cancel(reason);
    }
  }
}

/** Whose session it is, and for what: it ends with the rights that it was opened with, on every gateway. */
function holderOf({ principal, servers }: Caller): string {
  return JSON.stringify([principal, servers.rights]);
}

function setLevel(session: AggregateSession, level: unknown): object {
  if (typeof level !== "string" || !LOG_LEVELS.includes(level))
    throw new RpcMistake(INVALID_PARAMS, `level must be one of ${LOG_LEVELS.join(", ")}`);
  session.setLevel(level);
  return {};
}
