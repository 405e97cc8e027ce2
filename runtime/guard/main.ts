import "../wire/nodeRequire.ts";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { CONTRACT_PATH, CONTROL_SOCKET, guardContractSchema, SERVICE_PORT } from "../contract/index.ts";
import { readContract } from "../wire/contractFile.ts";
import { createLog } from "../wire/log.ts";
import { ControlClient } from "./controlClient.ts";
import { Guard } from "./guard.ts";

/** The guard of a host: `guard.mjs [CONTRACT] [--port N] [--host ADDRESS] [--control SOCKET]`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string" }, host: { type: "string" }, control: { type: "string" } },
});

const path = positionals[0] ?? CONTRACT_PATH;
const contract = readContract(path, guardContractSchema);
const { estate, stack } = contract;
const log = createLog({ component: "guard", estate, stack });
const control = new ControlClient(values.control ?? CONTROL_SOCKET);
let guard = new Guard({ contract, control, log });

const server = createServer((request, response) => {
  request.resume();
  if (request.url === "/metrics") {
    const { registry } = guard.metrics;
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
    return;
  }
  const { well } = guard;
  const status = request.url === "/health" ? (well ? 200 : 503) : 404;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ well }));
});
server.listen(Number(values.port ?? SERVICE_PORT), values.host ?? "0.0.0.0", () => {
  log.info({ event: "listening", address: server.address() });
  guard.start();
});
process.on("SIGHUP", () => {
  try {
    const news = readContract(path, guardContractSchema);
    guard.stop();
    guard = new Guard({ contract: news, control, log });
    guard.start();
    log.info({ event: "reloaded", containers: news.containers.length });
  } catch (error) {
    // What ran goes on: a bad file must not stop a good guard.
    log.error({ event: "contract-refused", reason: error instanceof Error ? error.message : String(error) });
  }
});
for (const name of ["SIGTERM", "SIGINT"] as const)
  process.on(name, () => {
    guard.stop();
    server.closeAllConnections();
    server.close(() => process.exit(0));
  });
