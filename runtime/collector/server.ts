import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "../wire/log.ts";
import { header, readBody, sendJson, sendText } from "../wire/httpIo.ts";
import type { Collector } from "./collector.ts";

const MOST_LINES = 1000;
/** A batch of the SDK's has 512 spans. */
const MAX_TRACE_BYTES = 4 << 20;

/** Metrics, the end of a container's log, and a place for traces. */
export function createCollectorServer(collector: Collector, log: Logger): Server {
  return createServer((request, response) => {
    answer(collector, request, response).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ event: "failed", url: request.url, reason });
      sendJson(response, 502, { error: reason });
    });
  });
}

async function answer(collector: Collector, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url = "" } = request;
  const { pathname, searchParams } = new URL(url, "http://collector");
  if (method === "POST" && pathname === "/v1/traces") return takeTraces(collector, request, response);
  request.resume();
  if (pathname === "/health") return sendJson(response, 200, { well: true });
  if (pathname === "/metrics") {
    const { registry } = collector.metrics;
    return sendText(response, 200, await registry.metrics(), registry.contentType);
  }
  if (pathname !== "/tail") return sendJson(response, 404, { error: `${method} ${pathname} is nothing` });
  const component = searchParams.get("container") ?? "";
  const lines = Number(searchParams.get("lines") ?? 100);
  if (!Number.isInteger(lines) || lines < 1 || lines > MOST_LINES)
    return sendJson(response, 400, { error: `lines=${searchParams.get("lines")}; 1 to ${MOST_LINES} is allowed` });
  const found = await collector.tail(component, lines);
  if (found === undefined)
    return sendJson(response, 404, { error: `there is no container "${component}" in this stack` });
  const shown = found.map(({ nanoseconds, stream, text }) => ({
    at: new Date(Number(nanoseconds / 1_000_000n)).toISOString(),
    stream,
    text,
  }));
  return sendJson(response, 200, { container: component, lines: shown });
}

async function takeTraces(collector: Collector, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const contentType = header(request, "content-type") ?? "";
  // Protobuf would not survive being read as text.
  if (!contentType.startsWith("application/json"))
    return sendJson(response, 415, { error: `content type "${contentType}"; application/json is allowed` });
  const body = await readBody(request, MAX_TRACE_BYTES);
  if (collector.traces === undefined) return sendJson(response, 404, { error: "this collector takes no traces" });
  const isTaken = collector.traces.add({ contentType, body });
  return sendJson(response, isTaken ? 200 : 503, isTaken ? {} : { error: "too many batches wait" });
}
