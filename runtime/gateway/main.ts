import "../wire/nodeRequire.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { CONTRACT_PATH, gatewayContractSchema, NODE_VARIABLE, SECRETS_DIR, SERVICE_PORT } from "../contract/index.ts";
import { ContractError, readContract } from "../wire/contractFile.ts";
import { createAuditLog, createLog } from "../wire/log.ts";
import { Doors } from "./doors.ts";
import { Gateway } from "./gateway.ts";
import { SelfProbe } from "./selfProbe.ts";
import { Succession } from "./succession.ts";

/** The gateway of an estate: `gateway.mjs [CONTRACT] [--port N] [--host ADDRESS] [--secrets DIR]`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string" }, host: { type: "string" }, secrets: { type: "string" } },
});

/** Exit codes: 78 is EX_CONFIG of sysexits.h. */
const EXIT_CONFIG = 78;
/** Docker kills after 10 s, unless it was told to wait for the calls: as it is where a proxy sends them elsewhere. */
const DRAIN_MS = 8000;
/** By then a proxy that asks every 0.5 s has heard that it is to send no more. */
const NOTICE_MS = 1500;
const SWEEP_MS = 50;
/** Beyond the longest call. */
const SPARE_MS = 1000;

function main(): void {
  const path = positionals[0] ?? process.env["MCP_ESTATE_CONTRACT"] ?? CONTRACT_PATH;
  const contract = readContract(path, gatewayContractSchema);
  const bindings = { component: "gateway", estate: contract.estate, stack: contract.stack };
  const log = createLog(bindings);
  const audit = createAuditLog(bindings);
  const port = Number(values.port ?? SERVICE_PORT);
  const { proxy } = contract;
  const gateway = new Gateway({
    contract,
    secretsDir: values.secrets ?? SECRETS_DIR,
    log,
    audit: audit.log,
    ...(proxy?.gatewayName ? { succession: new Succession({ ...proxy, name: proxy.gatewayName, port }) } : {}),
  });
  const doors = new Doors(gateway, port, log);
  const probe = new SelfProbe(port, (seconds) => gateway.metrics.observeHealth(seconds));

  let ending = false;
  const end = async (reason: string, code: number): Promise<void> => {
    if (ending) return;
    ending = true;
    log.info({ event: "stopping", reason });
    probe.stop();
    gateway.drain();
    if (proxy) await sleep(NOTICE_MS);
    const drained = doors.close();
    gateway.endStreams();
    // One that is in use now may be idle later, and nobody would end it.
    const sweep = setInterval(() => doors.closeIdle(), SWEEP_MS);
    await Promise.race([drained, sleep(proxy ? gateway.timeoutMs + SPARE_MS : DRAIN_MS)]);
    clearInterval(sweep);
    doors.closeAll();
    await gateway.stop();
    audit.flush();
    log.info({ event: "stopped" });
    process.exit(code);
  };
  process.on("SIGTERM", () => void end("SIGTERM", 0));
  process.on("SIGINT", () => void end("SIGINT", 0));
  process.on("SIGHUP", () => {
    try {
      // what ran goes on: a bad file must not stop a good gateway
      gateway.reload(readContract(path, gatewayContractSchema));
    } catch (error) {
      log.error({ event: "contract-refused", reason: error instanceof Error ? error.message : String(error) });
    }
  });
  process.on("uncaughtException", (error) => {
    log.fatal({ event: "uncaught", error: error.stack });
    void end("an error nobody foresaw", 70);
  });
  const open = async (): Promise<void> => {
    // Whoever looks after this container asks it on its loopback from the beginning.
    await doors.open(proxy ? "127.0.0.1" : (values.host ?? "0.0.0.0"));
    gateway.start();
    probe.start();
    if (proxy) await doors.openTo(proxy.subnet, process.env[NODE_VARIABLE]);
  };
  open().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    log.fatal({ event: "listen-failed", reason });
    void end(reason, 1);
  });
}

try {
  main();
} catch (error) {
  if (!(error instanceof ContractError)) throw error;
  process.stdout.write(
    `${JSON.stringify({ level: "fatal", component: "gateway", event: "contract-refused", reason: error.message })}\n`,
  );
  process.exit(EXIT_CONFIG);
}
