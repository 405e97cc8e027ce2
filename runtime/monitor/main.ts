import "../wire/nodeRequire.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CONTRACT_PATH, MONITOR_PAGE_DIR, monitorContractSchema, SERVICE_PORT } from "../contract/index.ts";
import { readContract } from "../wire/contractFile.ts";
import { createLog } from "../wire/log.ts";
import { createMonitorServer, type PageFile } from "./server.ts";
import { Sessions } from "./sessions.ts";
import { Sources } from "./sources.ts";

/** The server of the monitor page: `monitor.mjs [CONTRACT] [--port N] [--host ADDRESS] [--page DIR]`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string" }, host: { type: "string" }, page: { type: "string" } },
});

const TYPES = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

const contract = readContract(positionals[0] ?? CONTRACT_PATH, monitorContractSchema);
const log = createLog({ component: "monitor", estate: contract.estate, stack: contract.stack });
const folder = values.page ?? MONITOR_PAGE_DIR;
const file = (name: string, type: string): PageFile => ({ type, content: readFileSync(join(folder, name), "utf8") });
const files = new Map([
  ["", file("page.html", TYPES.html)],
  ["page.js", file("page.js", TYPES.js)],
  ["page.css", file("page.css", TYPES.css)],
]);

const server = createMonitorServer({ sources: new Sources(contract), sessions: new Sessions(), files, log });
server.listen(Number(values.port ?? SERVICE_PORT), values.host ?? "0.0.0.0", () =>
  log.info({ event: "listening", address: server.address() }),
);
for (const name of ["SIGTERM", "SIGINT"] as const)
  process.on(name, () => {
    server.closeAllConnections();
    server.close(() => process.exit(0));
  });
