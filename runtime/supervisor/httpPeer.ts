import { Agent, request, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEnvelope, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { SseParser } from "../wire/sse.ts";

export interface HttpPeerOptions {
  readonly port: number;
  /** One JSON-RPC message of the server. */
  readonly receive: (text: string) => void;
  /** The request with this id (JSON text) gets no answer. */
  readonly failed: (idText: string, fault: Fault) => void;
  /** A message beyond it is refused (R-TRN-09). */
  readonly maxBytes: number;
}

/** A server needs a moment from its start to its open port; until then the connection is refused. */
const CONNECT_RETRY_MS = 50;

/**
 * The other end of a child with `transport: http`: messages are POSTed to `/mcp` on its loopback port, and whatever
 * comes back, as JSON or as a stream, goes the same way as the lines of a stdio child.
 */
export class HttpPeer {
  readonly #options: HttpPeerOptions;
  readonly #agent = new Agent({ keepAlive: true });
  #session: string | undefined;
  #revision: string | undefined;
  #closed = false;

  constructor(options: HttpPeerOptions) {
    this.#options = options;
  }

  /** A request that fails is reported, so that its caller need not wait. */
  send(text: string): void {
    const message = parseEnvelope(text);
    void this.#deliver(message).catch((error: unknown) => {
      if (message.kind !== "request" || message.idText === undefined || this.#closed) return;
      this.#options.failed(message.idText, faultOf(error));
    });
  }

  close(): void {
    this.#closed = true;
    this.#agent.destroy();
  }

  async #deliver(message: Envelope): Promise<void> {
    const response = await this.#post(message);
    if (message.method === "initialize") {
      const session = response.headers["mcp-session-id"];
      this.#session = typeof session === "string" ? session : undefined;
    }
    const isStream = String(response.headers["content-type"]).startsWith("text/event-stream");
    if (isStream) await this.#readStream(response);
    else await this.#readMessage(message, response);
    if (message.method === "notifications/initialized") void this.#listen().catch(() => undefined);
  }

  async #post(message: Envelope): Promise<IncomingMessage> {
    for (;;) {
      try {
        return await this.#request("POST", message.text);
      } catch (error) {
        const refused = error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
        if (!refused || message.method !== "initialize" || this.#closed) throw error;
        await sleep(CONNECT_RETRY_MS);
      }
    }
  }

  async #readMessage(message: Envelope, response: IncomingMessage): Promise<void> {
    let text = "";
    for await (const piece of response.setEncoding("utf8")) {
      text += String(piece);
      if (text.length > this.#options.maxBytes)
        throw new Error(`the answer is larger than ${this.#options.maxBytes} bytes`);
    }
    if (message.kind !== "request") return;
    if ((response.statusCode ?? 500) >= 400 && !text.startsWith("{")) throw new Error(`HTTP ${response.statusCode}`);
    const answer = parseEnvelope(text);
    if (answer.kind !== "response" || answer.idText !== message.idText)
      throw new Error(`HTTP ${response.statusCode} without an answer to the request`);
    if (message.method === "initialize") this.#noteRevision(answer);
    this.#options.receive(answer.text);
  }

  async #readStream(response: IncomingMessage): Promise<void> {
    const parser = new SseParser();
    for await (const piece of response.setEncoding("utf8")) {
      for (const data of parser.push(String(piece))) {
        if (this.#revision === undefined) this.#noteRevision(parseEnvelope(data));
        this.#options.receive(data);
      }
      if (parser.pendingLength > this.#options.maxBytes)
        throw new Error(`an event is larger than ${this.#options.maxBytes} bytes`);
    }
  }

  #noteRevision({ result }: Envelope): void {
    const revision =
      typeof result === "object" && result !== null && "protocolVersion" in result ? result.protocolVersion : undefined;
    if (typeof revision === "string") this.#revision = revision;
  }

  /** The standing stream for what belongs to no request; servers without one answer 405. */
  async #listen(): Promise<void> {
    const response = await this.#request("GET");
    if (response.statusCode === 200) await this.#readStream(response);
    else response.resume();
  }

  #request(method: "GET" | "POST", body?: string): Promise<IncomingMessage> {
    const headers: Record<string, string | number> = {
      accept: method === "GET" ? "text/event-stream" : "application/json, text/event-stream",
    };
    if (body !== undefined)
      Object.assign(headers, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    if (this.#session !== undefined) headers["mcp-session-id"] = this.#session;
    if (this.#revision !== undefined) headers["mcp-protocol-version"] = this.#revision;
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: "127.0.0.1", port: this.#options.port, path: "/mcp", method, headers, agent: this.#agent },
        resolve,
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }
}

/** What a failed request says of itself: refused was never taken, broken off is lost, anything else is a wrong answer. */
function faultOf(error: unknown): Fault {
  const message = `the server's HTTP endpoint failed: ${error instanceof Error ? error.message : String(error)}`;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ECONNREFUSED") return new Fault("unavailable", message);
  return new Fault(code === "ECONNRESET" || code === "EPIPE" ? "lost" : "upstream", message);
}
