import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";

/** What an empty Docker host of that size answers; it can be asked and holds nothing. */
const ANSWERS: ReadonlyArray<[path: RegExp, body: unknown]> = [
  [/\/_ping$/, "OK"],
  [/\/info$/, { Name: "fake", MemTotal: 2 ** 40, NCPU: 256, ServerVersion: "20.10.24" }],
  [/\/version$/, { Version: "20.10.24", ApiVersion: "1.41" }],
  [/\/(containers|images)\/json/, []],
  [/\/networks/, []],
  [/\/volumes/, { Volumes: [] }],
];

/** Docker's API on a unix socket, without a Docker behind it. */
export class FakeDocker {
  readonly docker: Docker;
  readonly env: { DOCKER_HOST: string };
  readonly #socketPath: string;
  readonly #server: Server;

  constructor() {
    this.#socketPath = join(tmpdir(), `mcp-estate-fake-docker-${process.pid}.sock`);
    this.docker = new Docker({ socketPath: this.#socketPath });
    this.env = { DOCKER_HOST: `unix://${this.#socketPath}` };
    this.#server = createServer((request, response) => {
      const path = new URL(request.url ?? "", "http://docker").pathname;
      const answer = ANSWERS.find(([pattern]) => pattern.test(path))?.[1];
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(
        typeof answer === "string" ? answer : JSON.stringify(answer ?? { message: `no such object: ${path}` }),
      );
    });
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(this.#socketPath, resolve);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#socketPath, { force: true });
  }
}
