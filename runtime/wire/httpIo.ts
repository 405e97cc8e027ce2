import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { Fault } from "./faults.ts";
import type { ReplyTarget } from "./replyTarget.ts";

/**
 * Reads a request body as UTF-8.
 * Throws Fault "too-large" (413) above `maxBytes`, "bad-request" when the client went away or the text is no UTF-8.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > maxBytes) {
    request.resume();
    return Promise.reject(tooLarge(maxBytes));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(tooLarge(maxBytes));
      }
    });
    request.on("end", () => {
      const only = chunks[0];
      resolve((chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)).toString("utf8"));
    });
    request.on("error", () => reject(new Fault("bad-request", "the request ended before its body did")));
    request.on("aborted", () => reject(new Fault("bad-request", "the request ended before its body did")));
  });
}

function tooLarge(maxBytes: number): Fault {
  return new Fault("too-large", `the body is larger than ${maxBytes} bytes`);
}

/** Sends a text with its length; does nothing when the client is gone. */
export function sendText(
  response: ReplyTarget,
  status: number,
  text: string,
  contentType: string,
  headers: OutgoingHttpHeaders = {},
): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "x-content-type-options": "nosniff",
    ...headers,
  });
  response.end(text);
}

export function sendJson(response: ReplyTarget, status: number, body: unknown, headers?: OutgoingHttpHeaders): void {
  sendText(response, status, JSON.stringify(body), "application/json", headers);
}

/** Retry-After of a fault, where it has one; a body that was not read to its end closes the connection. */
export function faultHeaders(fault: Fault): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  if (fault.retryAfterSeconds !== undefined) headers["retry-after"] = String(fault.retryAfterSeconds);
  if (fault.kind === "unauthorised") headers["www-authenticate"] = "Bearer";
  if (fault.kind === "too-large") headers["connection"] = "close";
  return headers;
}

/** One value of a header that must not come twice. */
export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
