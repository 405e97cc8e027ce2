import "../wire/nodeRequire.ts";
import { parseArgs } from "node:util";
import { CONTRACT_PATH, SECRETS_DIR, SERVICE_PORT, serverContractSchema } from "../contract/index.ts";
import { ContractError, readContract } from "../wire/contractFile.ts";
import { createLog } from "../wire/log.ts";
import { createSupervisorServer } from "./httpServer.ts";
import { Supervisor } from "./supervisor.ts";

/**
 * The supervisor of one MCP server: `supervisor.mjs [CONTRACT] [--port N] [--host ADDRESS] [--secrets DIR]`.
 * `--allow-unlimited` starts the child although the kernel has no pids limit; it exists for tests outside of containers
 * and is no environment variable, so that no container can have it by accident.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: "string" },
    host: { type: "string" },
    secrets: { type: "string" },
    "allow-unlimited": { type: "boolean", default: false },
  },
});

/** Exit codes: 78 is EX_CONFIG of sysexits.h. */
const EXIT_CONFIG = 78;
/** EX_TEMPFAIL: the container must start afresh (R-PRC-24). */
const EXIT_LADDER = 75;

function main(): void {
  const path = positionals[0] ?? process.env["MCP_ESTATE_CONTRACT"] ?? CONTRACT_PATH;
  const contract = readContract(path, serverContractSchema);
  const { estate, stack, name } = contract;
  const log = createLog({ component: "supervisor", estate, stack, server: name });
  const secretsDir = values.secrets ?? SECRETS_DIR;
  const supervisor = new Supervisor({
    contract,
    secretsDir,
    log,
    allowUnlimited: values["allow-unlimited"],
    restartContainer: (reason) => void end(`the ladder: ${reason}`, EXIT_LADDER),
  });
  const server = createSupervisorServer(supervisor);

  let ending = false;
  const end = async (reason: string, code: number): Promise<void> => {
    if (ending) return;
    ending = true;
    log.info({ event: "stopping", reason });
    // still listening: who asks now is refused by name, and what it asks may go to another instance
    await supervisor.drain(`it is being stopped: ${reason}`);
    server.close();
    await supervisor.stop(reason);
    server.closeAllConnections();
    log.info({ event: "stopped" });
    process.exit(code);
  };
  process.on("SIGTERM", () => void end("SIGTERM", 0));
  process.on("SIGINT", () => void end("SIGINT", 0));
  process.on("SIGHUP", () => {
    try {
      void supervisor.reload(readContract(path, serverContractSchema));
    } catch (error) {
      // what ran goes on: a bad file must not stop a good server
      log.error({ event: "contract-refused", reason: error instanceof Error ? error.message : String(error) });
    }
  });
  process.on("uncaughtException", (error) => {
    log.fatal({ event: "uncaught", error: error.stack });
    void end("an error nobody foresaw", 70);
  });
  server.on("error", (error) => {
    log.fatal({ event: "listen-failed", reason: error.message });
    void end(error.message, 1);
  });
  server.listen(Number(values.port ?? SERVICE_PORT), values.host ?? "0.0.0.0", () => {
    log.info({ event: "listening", address: server.address() });
    supervisor.start();
  });
}

try {
  main();
} catch (error) {
  if (!(error instanceof ContractError)) throw error;
  process.stdout.write(
    `${JSON.stringify({ level: "fatal", component: "supervisor", event: "contract-refused", reason: error.message })}\n`,
  );
  process.exit(EXIT_CONFIG);
}
