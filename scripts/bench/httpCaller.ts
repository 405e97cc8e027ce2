import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/**
 * One keep-alive connection that sends one request at a time. On a machine with two cores a full HTTP client would cost
 * as much as what it measures, so this does only what every one of the measured servers needs: Content-Length and
 * chunked answers.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #received = "";
  #settle: { resolve: (answer: RawAnswer) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (piece: string) => {
      this.#received += piece;
      this.#parse();
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  static async open(url: URL): Promise<HttpConnection> {
    const socket = connect(Number(url.port), url.hostname);
    await once(socket, "connect");
    return new HttpConnection(socket, url.host);
  }

  post(path: string, headers: string, body: string): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }

  #parse(): void {
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd === -1 || this.#settle === undefined) return;
    const [statusLine = "", ...lines] = this.#received.slice(0, headEnd).split("\r\n");
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const body = this.#received.slice(headEnd + 4);
    const length = headers.get("content-length");
    let text: string | undefined;
    if (headers.get("transfer-encoding") === "chunked") text = unchunk(body);
    else if (body.length >= Number(length ?? 0)) text = body.slice(0, Number(length ?? 0));
    if (text === undefined) return;
    this.#received = "";
    const { resolve } = this.#settle;
    this.#settle = undefined;
    resolve({ status: Number(statusLine.split(" ")[1]), headers, text });
  }
}

/** The content once the last chunk is there. */
function unchunk(body: string): string | undefined {
  let text = "";
  let at = 0;
  for (;;) {
    const end = body.indexOf("\r\n", at);
    if (end === -1) return undefined;
    const size = Number.parseInt(body.slice(at, end), 16);
    if (size === 0) return body.endsWith("\r\n\r\n") ? text : undefined;
    if (body.length < end + 2 + size + 2) return undefined;
    text += body.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
