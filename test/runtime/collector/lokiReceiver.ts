import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";

export interface ReceivedLine {
  labels: Record<string, string>;
  nanoseconds: string;
  text: string;
}

/** Takes lines by Loki's push protocol and gives back the newest that holds a text, as far as the collector asks. */
export class LokiReceiver {
  readonly lines: ReceivedLine[] = [];
  /** What every request had. */
  readonly headers: Array<Record<string, string | string[] | undefined>> = [];
  /** What a push is answered with; 204 keeps the lines. */
  status = 204;
  port = 0;
  private readonly server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    this.headers.push(request.headers);
    if (pathname === "/loki/api/v1/push" && request.method === "POST") {
      void text(request).then((body) => {
        if (this.status === 204) this.keep(body);
        response.writeHead(this.status).end(this.status === 204 ? "" : "the store says why");
      });
      return;
    }
    if (pathname !== "/loki/api/v1/query_range") return void response.writeHead(404).end();
    const [, wanted = ""] = /\|= "([^"]+)"/.exec(searchParams.get("query") ?? "") ?? [];
    const found = this.lines.filter((line) => line.text.includes(wanted)).at(-1);
    const result = found ? [{ stream: found.labels, values: [[found.nanoseconds, found.text]] }] : [];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: "success", data: { resultType: "streams", result } }));
  });

  async listen(host = "127.0.0.1", port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, host, resolve));
    this.port = (this.server.address() as { port: number }).port;
    return `http://${host}:${this.port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private keep(body: string): void {
    const { streams } = JSON.parse(body) as {
      streams: Array<{ stream: Record<string, string>; values: Array<[string, string]> }>;
    };
    for (const { stream, values } of streams)
      for (const [nanoseconds, line] of values) this.lines.push({ labels: stream, nanoseconds, text: line });
  }
}
