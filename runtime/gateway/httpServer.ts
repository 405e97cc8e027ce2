import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { errorText } from "../wire/envelope.ts";
import { asFault, Fault } from "../wire/faults.ts";
import { checkHost } from "../wire/hostGuard.ts";
import { faultHeaders, header, readBody, sendJson, sendText } from "../wire/httpIo.ts";
import { execute, parseExecute, type Caller } from "./execute.ts";
import { MAX_CALL_BYTES } from "../wire/trunkFrames.ts";
import { type Gateway } from "./gateway.ts";
import { readInstanceMetrics } from "./instanceMetrics.ts";
import { passThrough } from "./passThrough.ts";
import type { Principal } from "./principal.ts";
import type { RequestSpan } from "./tracing.ts";
import type { VisibleServer } from "./visibleServers.ts";

/** What the access log and the metrics say about one request; never its arguments. */
interface Access {
  route: string;
  server: string | undefined;
  tool: string | undefined;
  method: string | undefined;
  fault: string | undefined;
  principal: string | undefined;
  /** Only where the text is our own: what a server says may quote the arguments. */
  reason: string | undefined;
  /** Where traces are wanted: ended with the answer. */
  span: RequestSpan | undefined;
}

/** 404 tells a proxy to send nothing new at once, where a failure is believed only when it lasts. */
const READY_STATUS = { healthy: 200, starting: 503, draining: 404, superseded: 404 } as const;

/** Faults whose text never holds anything of the client's message. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  "unauthorised",
  "forbidden",
  "unavailable",
  "overloaded",
  "timeout",
  "too-large",
  "too-many",
]);

const PATHS = [
  "GET /health",
  "GET /ready",
  "GET /servers",
  "GET /status",
  "POST /execute",
  "/mcp",
  "/servers/NAME/mcp",
];
const METRICS = "/metrics";
const INSTANCE_METRICS = "/instances/NAME/metrics";
const REST_PREFIX = "/api/v1/mcp";
const REST_PATHS: ReadonlySet<string> = new Set(["/servers", "/status", "/execute"]);

/** Whose request it is, and its W3C trace context: as it came, or of a span below that. */
function callerOf(gateway: Gateway, request: IncomingMessage, { name, servers }: Principal, access: Access): Caller {
  const came = { traceparent: header(request, "traceparent"), tracestate: header(request, "tracestate") };
  access.span = gateway.tracing?.begin(came);
  return { principal: name, servers, trace: access.span?.headers ?? came };
}

/** The REST paths, the metrics and both kinds of MCP endpoint. */
export function createGatewayServer(gateway: Gateway): Server {
  const server = createServer((request, response) => void serve(gateway, request, response));
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  return server;
}

async function serve(gateway: Gateway, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const began = performance.now();
  const access: Access = {
    route: "unknown",
    server: undefined,
    tool: undefined,
    method: undefined,
    fault: undefined,
    principal: undefined,
    reason: undefined,
    span: undefined,
  };
  const [path = "/"] = (request.url ?? "/").split("?");
  response.on("close", () => note(gateway, request, response, access, (performance.now() - began) / 1000));
  try {
    checkHost(request, gateway.hostRules);
    if (path === "/health") {
      access.route = "/health";
      request.resume();
      sendJson(response, 200, { status: "alive", ...gateway.counts() });
      return;
    }
    if (path === "/ready") {
      access.route = "/ready";
      request.resume();
      const isOwnProbe = request.socket.remoteAddress?.endsWith("127.0.0.1") === true;
      const readiness = isOwnProbe ? gateway.arrival() : gateway.readiness();
      sendJson(response, READY_STATUS[readiness.state], { ...readiness, since: gateway.succession?.since });
      return;
    }
    const caller = gateway.callers.authenticate(request, gateway.addressOf(request));
    const { principal } = caller;
    access.principal = principal.name;
    principal.admit();
    // every other answer has its end within the time for calls
    if (request.method === "GET" && path.endsWith("/mcp")) gateway.streams.add(response, caller);
    await route(gateway, principal, path, request, response, access);
  } catch (error) {
    const fault = asFault(error);
    access.fault = fault.kind;
    if (OWN_WORDS.has(fault.kind)) access.reason = fault.message;
    request.resume();
    if (response.headersSent) response.destroy();
    else if (path.endsWith("/mcp"))
      sendText(response, fault.status, errorText(undefined, fault.body), "application/json", faultHeaders(fault));
    else sendJson(response, fault.status, { error: fault.message, detail: fault.message }, faultHeaders(fault));
  }
}

async function route(
  gateway: Gateway,
  principal: Principal,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
): Promise<void> {
  if (path === "/mcp") {
    access.route = "/mcp";
    const caller = callerOf(gateway, request, principal, access);
    return gateway.aggregate.handle(request, response, caller, (method, server, tool) =>
      Object.assign(access, { method, server, tool }),
    );
  }
  const one = /^\/servers\/([^/]+)\/mcp$/.exec(path)?.[1];
  if (one !== undefined) return serverMcp(gateway, principal, one, request, response, access);
  const instance = /^\/instances\/([^/]+)\/metrics$/.exec(path)?.[1];
  if (instance !== undefined && principal.admin && request.method === "GET") {
    access.route = INSTANCE_METRICS;
    request.resume();
    const { text, contentType } = await readInstanceMetrics(gateway.servers, instance);
    sendText(response, 200, text, contentType);
    return;
  }
  const short = path.startsWith(`${REST_PREFIX}/`) ? path.slice(REST_PREFIX.length) : path;
  if (!REST_PATHS.has(short) && !(path === METRICS && principal.admin)) throw unknownPath(path, principal);
  access.route = short;
  const wanted = short === "/execute" ? "POST" : "GET";
  if (request.method !== wanted) {
    request.resume();
    sendJson(response, 405, { error: `${short} takes ${wanted}` }, { allow: wanted });
    return;
  }
  if (short === "/execute") return executeTool(gateway, principal, request, response, access);
  request.resume();
  if (short === "/servers") sendJson(response, 200, gateway.describe(principal.servers));
  else if (short === "/status") sendJson(response, 200, gateway.status(principal.servers));
  else sendText(response, 200, await gateway.metrics.registry.metrics(), gateway.metrics.registry.contentType);
}

/** What only admins may ask for does not exist for others. */
function unknownPath(path: string, { admin }: Principal): Fault {
  const known = [...PATHS, ...(admin ? [`GET ${METRICS}`, `GET ${INSTANCE_METRICS}`] : [])];
  return new Fault("not-found", `unknown path ${path}; known: ${known.join(", ")}`);
}

function findServer({ servers }: Principal, name: string): VisibleServer {
  const visible = servers.find(name);
  if (visible === undefined)
    throw new Fault("not-found", `unknown server ${JSON.stringify(name)}; known: ${servers.names.join(", ")}`);
  return visible;
}

async function serverMcp(
  gateway: Gateway,
  principal: Principal,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
): Promise<void> {
  access.route = "/servers/NAME/mcp";
  const visible = findServer(principal, name);
  access.server = visible.server.name;
  await passThrough(visible, request, response, {
    maxBodyBytes: MAX_CALL_BYTES,
    timeoutMs: gateway.timeoutMs,
    caller: callerOf(gateway, request, principal, access),
    seen: (method, tool) => Object.assign(access, { method, tool }),
  });
}

/** A tool's own failure is an error of the server: 502, with the MCP result as the body (R-GW-06). */
async function executeTool(
  gateway: Gateway,
  principal: Principal,
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
): Promise<void> {
  const call = parseExecute(await readBody(request, MAX_CALL_BYTES));
  const visible = findServer(principal, call.server);
  Object.assign(access, { server: visible.server.name, tool: call.tool, method: "tools/call" });
  const { links, timeoutMs } = gateway;
  const caller = callerOf(gateway, request, principal, access);
  const answer = await execute({ visible, call, caller, links, timeoutMs });
  if (answer.isError) access.fault = "tool-error";
  sendText(response, answer.isError ? 502 : 200, answer.text, "application/json");
}

/** One metric for every request, one audit line for every call and every failure. */
function note(
  gateway: Gateway,
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
  seconds: number,
): void {
  const status = response.headersSent ? response.statusCode : 499;
  gateway.metrics.observe(access.route, access.server ?? "", status, seconds);
  access.span?.end({ ...access, verb: request.method ?? "", status });
  if (access.method !== "tools/call" && status < 400) return;
  // who has no token could fill the log; the metric counts it
  if (access.principal === undefined && access.fault === "too-many") return;
  gateway.audit.info({
    event: access.method === "tools/call" ? "call" : "request",
    route: access.route,
    method: access.method ?? request.method,
    principal: access.principal,
    server: access.server,
    tool: access.tool,
    status,
    ms: Math.round(seconds * 1e5) / 100,
    client: gateway.addressOf(request),
    trace: header(request, "traceparent"),
    fault: access.fault,
    reason: access.reason,
  });
}
