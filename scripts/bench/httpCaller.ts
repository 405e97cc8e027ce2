import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** A measurement that waits for ever says nothing. */
const ANSWER_MS = 20_000;

/**
 * One keep-alive connection that sends one request at a time. On a machine with two cores a full HTTP client would cost
 * as much as what it measures, so this does only what every one of the measured servers needs: Content-Length and
 * chunked answers.
 */
export class HttpConnection {
  readonly #url: URL;
  #socket: Socket | undefined;
  #received = "";
  #timer: NodeJS.Timeout | undefined;
  #settle: { resolve: (answer: RawAnswer) => void; reject: (error: Error) => void } | undefined;

  constructor(url: URL) {
    this.#url = url;
  }

  /** Opens the connection where there is none: servers close one that was idle for some seconds. */
  async post(path: string, headers: string, body: string): Promise<RawAnswer> {
    const socket = this.#socket ?? (await this.#connect());
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#timer = setTimeout(
        () => this.#fail(new Error(`no answer within ${ANSWER_MS} ms, only ${JSON.stringify(this.#received)}`)),
        ANSWER_MS,
      );
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: ${this.#url.host}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    });
  }

  async #connect(): Promise<Socket> {
    const socket = connect(Number(this.#url.port), this.#url.hostname);
    await once(socket, "connect");
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (piece: string) => {
      this.#received += piece;
      this.#parse();
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("end", () => (this.#socket = undefined));
    socket.on("close", () => {
      this.#socket = undefined;
      this.#fail(new Error("the connection was closed"));
    });
    return socket;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#settle = undefined;
    this.#socket?.destroy();
  }

  #fail(error: Error): void {
    clearTimeout(this.#timer);
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
    clearTimeout(this.#timer);
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
