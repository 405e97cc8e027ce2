import "../wire/nodeRequire.ts";
import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { CONTRACT_PATH, CONTROL_SOCKET, controlContractSchema, DOCKER_SOCKET } from "../contract/index.ts";
import { readContract } from "../wire/contractFile.ts";
import { createLog } from "../wire/log.ts";
import { dockerAt } from "./docker.ts";
import { Filter } from "./filter.ts";

/**
 * The filter between the guard and Docker: `control.mjs [CONTRACT] [SOCKET] [DOCKER_SOCKET]`. It listens on no
 * network but on a socket in a folder that it shares with the guard, and passes on what Filter allows.
 */
const [contractPath = CONTRACT_PATH, socket = CONTROL_SOCKET, docker = DOCKER_SOCKET] = process.argv.slice(2);
/** The guard's group, which is the filter's own, and nobody else. */
const SOCKET_MODE = 0o660;

const contract = readContract(contractPath, controlContractSchema);
const log = createLog({ component: "control", estate: contract.estate, stack: contract.stack });
const filter = new Filter(contract, dockerAt(docker));

const server = createServer((request, response) => {
  const { method = "", url = "" } = request;
  request.resume();
  filter.answer(method, url).then(
    ({ status, body }) => {
      if (method === "POST") log.info({ event: "asked", url, status, body });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    },
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ event: "docker-failed", url, reason });
      response.writeHead(502, { "content-type": "application/json" }).end(JSON.stringify({ error: reason }));
    },
  );
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
