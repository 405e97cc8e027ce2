import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A piece of Docker's answer: its stream, length and text. */
export function framed(stream: "stdout" | "stderr", text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = stream === "stderr" ? 2 : 1;
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

interface Entry {
  /** RFC 3339 with nanoseconds. */
  at: string;
  text: string;
}

/** What stands behind the collector's socket: containers with logs that grow. */
export class DockerStandIn {
  readonly folder = mkdtempSync(join(tmpdir(), "mcp-estate-collector-"));
  readonly socket = join(this.folder, "control.sock");
  readonly #logs = new Map<string, { component: string; entries: Entry[]; followers: Set<ServerResponse> }>();
  readonly #server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    if (pathname === "/containers") {
      const list = [...this.#logs].map(([id, { component }]) => ({ id, component, state: "running", health: "none" }));
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(list));
      return;
    }
    const log = this.#logs.get(pathname.split("/")[2] ?? "");
    if (!log) return void response.writeHead(403).end("{}");
    response.writeHead(200);
    response.flushHeaders();
    const since = searchParams.get("since") ?? "0";
    const tail = Number(searchParams.get("tail") ?? Number.POSITIVE_INFINITY);
    for (const entry of log.entries.filter(({ at }) => unix(at) >= since).slice(-tail)) send(response, entry);
    if (searchParams.get("follow") !== "1") return void response.end();
    log.followers.add(response);
    response.on("close", () => log.followers.delete(response));
  });

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.socket, resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.folder, { recursive: true });
  }

  write(id: string, component: string, entry: Entry): void {
    const log = this.#logs.get(id) ?? { component, entries: [], followers: new Set() };
    this.#logs.set(id, log);
    log.entries.push(entry);
    for (const follower of log.followers) send(follower, entry);
  }

  /** As when a container ends, or Docker is started again. */
  cutOff(): void {
    for (const { followers } of this.#logs.values()) for (const follower of followers) follower.destroy();
  }
}

function send(response: ServerResponse, { at, text }: Entry): void {
  response.write(framed("stdout", `${at} ${text}\n`));
}

/** `SECONDS.NANOSECONDS`, ten digits before the point, so that texts compare as numbers do. */
function unix(at: string): string {
  const [, seconds = "", nanoseconds = ""] = /^(.*)\.(\d{9})Z$/.exec(at) ?? [];
  return `${Date.parse(`${seconds}Z`) / 1000}.${nanoseconds}`;
}
