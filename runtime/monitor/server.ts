import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "../wire/log.ts";
import { FailureLimiter } from "../gateway/failureLimiter.ts";
import { readBody, sendJson, sendText } from "../wire/httpIo.ts";
import { MONITOR_PATH } from "../contract/index.ts";
import { sessionCookie, sessionIn, type Sessions } from "./sessions.ts";
import { SourceError, type Sources } from "./sources.ts";

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly content: string;
}

export interface MonitorServerArgs {
  sources: Sources;
  sessions: Sessions;
  /** Path below MONITOR_PATH → file; "" is the page itself. */
  files: ReadonlyMap<string, PageFile>;
  log: Logger;
}

const MAX_TOKEN_BYTES = 4096;
/** Minutes of history that can be asked for. */
const MOST_MINUTES = 7 * 24 * 60;
/** Nothing from anywhere else, and nobody frames it. */
const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** Serves the monitor page and what it shows (R-DSH-02). */
export function createMonitorServer({ sources, sessions, files, log }: MonitorServerArgs): Server {
  const limiter = new FailureLimiter();

  const login = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const token = (await readBody(request, MAX_TOKEN_BYTES)).trim();
    try {
      await sources.admit(token);
    } catch (error) {
      if (!(error instanceof SourceError) || ![401, 403].includes(error.status)) throw error;
      const wait = limiter.take(request.socket.remoteAddress ?? "");
      log.warn({ event: "login-refused", address: request.socket.remoteAddress, status: error.status });
      if (wait > 0)
        return sendJson(response, 429, { error: "too many failed logins" }, { "retry-after": String(wait) });
      const reason = error.status === 401 ? "the gateway does not know this token" : "this token may not read metrics";
      return sendJson(response, 401, { error: reason });
    }
    log.info({ event: "login" });
    const cookie = sessionCookie(sessions.open(token), MONITOR_PATH, isSecure(request));
    sendJson(response, 200, { ok: true }, { "set-cookie": cookie });
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "" } = request;
    const { pathname, searchParams } = new URL(url, "http://monitor");
    if (pathname === "/health") return sendJson(response, 200, { well: true });
    if (pathname === "/") return void response.writeHead(302, { location: MONITOR_PATH }).end();
    const path = pathname === MONITOR_PATH ? "" : pathname.slice(MONITOR_PATH.length + 1);
    const file = pathname.startsWith(MONITOR_PATH) ? files.get(path) : undefined;
    if (method === "GET" && file !== undefined) return sendText(response, 200, file.content, file.type, PAGE_HEADERS);
    // A form of another site's cannot send this type without asking first.
    const ours = request.headers["content-type"]?.startsWith("application/json") ?? false;
    if (method === "POST" && path === "login" && ours) return login(request, response);
    if (method === "POST" && path === "logout" && ours) {
      sessions.close(sessionIn(request.headers.cookie));
      return sendJson(
        response,
        200,
        { ok: true },
        { "set-cookie": sessionCookie("", MONITOR_PATH, isSecure(request)) },
      );
    }
    if (method !== "GET" || !["overview", "history", "log"].includes(path))
      return sendJson(response, 404, { error: `${method} ${pathname} is nothing; there is ${MONITOR_PATH}` });
    const token = sessions.token(sessionIn(request.headers.cookie));
    if (token === undefined) return sendJson(response, 401, { error: "log in first" });
    if (path === "overview") return sendJson(response, 200, await sources.overview(token));
    if (path === "log") return sendLog(sources, searchParams.get("container") ?? "", response);
    const minutes = Number(searchParams.get("minutes") ?? 60);
    if (!Number.isInteger(minutes) || minutes < 1 || minutes > MOST_MINUTES)
      return sendJson(response, 400, {
        error: `minutes=${searchParams.get("minutes")}; 1 to ${MOST_MINUTES} is allowed`,
      });
    return sendJson(response, 200, await sources.history(minutes));
  };

  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ event: "failed", url: request.url, reason });
      sendJson(response, 502, { error: reason });
    });
  });
}

async function sendLog(sources: Sources, container: string, response: ServerResponse): Promise<void> {
  try {
    sendJson(response, 200, await sources.log(container));
  } catch (error) {
    if (!(error instanceof SourceError) || error.status !== 404) throw error;
    sendJson(response, 404, { error: `no container "${container}" has written anything` });
  }
}

/** Behind something that decrypts. */
function isSecure(request: IncomingMessage): boolean {
  return request.headers["x-forwarded-proto"] === "https";
}
