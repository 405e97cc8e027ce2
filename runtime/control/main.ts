import "../wire/nodeRequire.ts";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { CONTRACT_PATH, CONTROL_SOCKET, controlContractSchema, DOCKER_SOCKET } from "../contract/index.ts";
import { readContract } from "../wire/contractFile.ts";
import { createLog } from "../wire/log.ts";
import { dockerAt, dockerStreamAt } from "./docker.ts";
import { Filter, type FilterAnswer } from "./filter.ts";

/**
 * A filter before Docker: `control.mjs [CONTRACT] [SOCKET] [DOCKER_SOCKET]`. It listens on no network but on a socket
 * in a folder that it shares with the one program that asks it, and passes on what Filter allows.
 */
const [contractPath = CONTRACT_PATH, socket = CONTROL_SOCKET, docker = DOCKER_SOCKET] = process.argv.slice(2);
/** The asking program's group, which is the filter's own, and nobody else. */
const SOCKET_MODE = 0o660;

const contract = readContract(contractPath, controlContractSchema);
const log = createLog({ component: "control", estate: contract.estate, stack: contract.stack });
const filter = new Filter(contract, dockerAt(docker));
const openDocker = dockerStreamAt(docker);

/** A log, as long as whoever asked for it listens. */
async function stream(path: string, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const answer = await openDocker(path, gone.signal);
  response.writeHead(answer.statusCode ?? 502, { "content-type": "application/octet-stream" });
  response.flushHeaders();
  // Either side may go at any time.
  await pipeline(answer, response).catch(() => undefined);
}

async function handle(method: string, url: string, response: ServerResponse): Promise<void> {
  const path = await filter.logsPath(method, url);
  if (typeof path === "string") return stream(path, response);
  const { status, body }: FilterAnswer = path ?? (await filter.answer(method, url));
  if (method === "POST") log.info({ event: "asked", url, status, body });
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  const { method = "", url = "" } = request;
  request.resume();
  handle(method, url, response).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    if (response.destroyed) return;
    log.error({ event: "docker-failed", url, reason });
    if (!response.headersSent) response.writeHead(502, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: reason }));
  });
});
// One that was killed leaves its socket behind.
rmSync(socket, { force: true });
server.listen(socket, () => {
  chmodSync(socket, SOCKET_MODE);
  log.info({ event: "listening", socket });
});
for (const name of ["SIGTERM", "SIGINT"] as const)
  process.on(name, () => {
    server.closeAllConnections();
    server.close(() => process.exit(0));
  });
