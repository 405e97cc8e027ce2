import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { asFault } from "../wire/faults.ts";
import { checkHost, type HostRules } from "../wire/hostGuard.ts";
import { faultHeaders, sendJson, sendText } from "../wire/httpIo.ts";
import { isListingKind } from "./listing.ts";
import type { Supervisor } from "./supervisor.ts";
import { acceptTrunk } from "./trunkServer.ts";

/** Only the gateway and probes call a supervisor, by its alias or address: no public name is allowed. */
const HOST_RULES: HostRules = { hosts: [], origins: [] };

/** States in which calls are routed to the server: slow is not down. */
const ROUTABLE: ReadonlySet<string> = new Set(["healthy", "degraded"]);

const PATHS = [
  "/mcp",
  "/health",
  "/ready",
  "/limits",
  "/metrics",
  "/list/tools",
  "/list/prompts",
  "/list/resources",
  "/list/templates",
];

/** `/mcp`, `/health`, `/ready`, `/limits` and `/metrics` of one supervisor. */
export function createSupervisorServer(supervisor: Supervisor): Server {
  const server = createServer((request, response) => void route(supervisor, request, response));
  // longer than any client keeps an idle connection, so that the client is the one to close it
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.on("upgrade", (request, socket, head) => {
    try {
      checkHost(request, HOST_RULES);
      acceptTrunk(supervisor.endpoint, request, socket, head);
    } catch {
      socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
  });
  return server;
}

async function route(supervisor: Supervisor, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    checkHost(request, HOST_RULES);
    const [path = "/"] = (request.url ?? "/").split("?");
    if (path === "/mcp") return await supervisor.endpoint.handle(request, response);
    request.resume();
    if (request.method !== "GET" && request.method !== "HEAD")
      return sendJson(response, 405, { error: "use GET" }, { allow: "GET" });
    if (path === "/health") return sendJson(response, 200, health(supervisor));
    if (path === "/ready") {
      const readiness = supervisor.readiness();
      return sendJson(response, ROUTABLE.has(readiness.state) ? 200 : 503, readiness);
    }
    if (path === "/limits") return sendJson(response, 200, supervisor.limits());
    if (path === "/metrics") {
      const { registry } = supervisor.metrics;
      return sendText(response, 200, await registry.metrics(), registry.contentType);
    }
    const kind = path.startsWith("/list/") ? path.slice("/list/".length) : "";
    if (isListingKind(kind)) return sendJson(response, 200, { [kind]: await supervisor.list(kind) });
    sendJson(response, 404, {
      error: `unknown path ${path}`,
      known: PATHS,
    });
  } catch (error) {
    const fault = asFault(error);
    request.resume();
    sendJson(response, fault.status, { error: fault.message }, faultHeaders(fault));
  }
}

/** Alive, with the age of the last proof; `/ready` is what counts. */
function health(supervisor: Supervisor): object {
  const { name, state, ageSeconds } = supervisor.readiness();
  return { status: "alive", name, state, ageSeconds };
}
