import "../wire/nodeRequire.ts";
import { parseArgs } from "node:util";
import { collectorContractSchema, CONTRACT_PATH, CONTROL_SOCKET, SERVICE_PORT } from "../contract/index.ts";
import { readContract } from "../wire/contractFile.ts";
import { createLog } from "../wire/log.ts";
import { Collector } from "./collector.ts";
import { ContainerLogs } from "./containerLogs.ts";
import { createCollectorServer } from "./server.ts";

/** Takes logs and traces on: `collector.mjs [CONTRACT] [--port N] [--host ADDRESS] [--control SOCKET]`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string" }, host: { type: "string" }, control: { type: "string" } },
});

const contract = readContract(positionals[0] ?? CONTRACT_PATH, collectorContractSchema);
const { estate, stack } = contract;
const log = createLog({ component: "collector", estate, stack });
const collector = new Collector({ contract, logs: new ContainerLogs(values.control ?? CONTROL_SOCKET), log });

const server = createCollectorServer(collector, log);
server.listen(Number(values.port ?? SERVICE_PORT), values.host ?? "0.0.0.0", () => {
  log.info({ event: "listening", address: server.address() });
  collector.start();
});
for (const name of ["SIGTERM", "SIGINT"] as const)
  process.on(name, () => {
    collector.stop();
    server.closeAllConnections();
    server.close(() => process.exit(0));
  });
