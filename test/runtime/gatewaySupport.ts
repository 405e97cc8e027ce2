import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashToken, type GatewayContract, type GatewayServer } from "../../runtime/contract/index.ts";
import { Gateway } from "../../runtime/gateway/gateway.ts";
import { createGatewayServer } from "../../runtime/gateway/httpServer.ts";
import { LIMITS, listen, memoryLog, RawClient, until, type RawAnswer } from "./support.ts";

export const TOKENS = {
  owner: "owner-token-0123456789",
  alice: "alice-token-0123456789",
  bob: "bob-token-0123456789",
} as const;
export type Caller = keyof typeof TOKENS;

export const authOf = (caller: Caller): Record<string, string> => ({ authorization: `Bearer ${TOKENS[caller]}` });

export const TOKENS_FILE = "tokens.json";

/** Writes the file of hashes by which a gateway knows its callers: principal → token in clear, principal → its end. */
export function writeTokens(
  secretsDir: string,
  tokens: Readonly<Record<string, string>>,
  ends: Readonly<Record<string, Date>> = {},
): void {
  const hashed = Object.entries(tokens).map(([principal, token]) => ({
    principal,
    sha256: hashToken(token),
    expires: ends[principal]?.toISOString(),
  }));
  writeFileSync(join(secretsDir, TOKENS_FILE), JSON.stringify({ version: 1, tokens: hashed }));
}

/** One server of a contract; `urls` are its instances': NAME, NAME--2 and so on. */
export function serverOf(name: string, urls: readonly string[], overrides: Partial<GatewayServer> = {}): GatewayServer {
  const instances = urls.map((url, index) => ({ name: index === 0 ? name : `${name}--${index + 1}`, url }));
  return { name, instances, transport: "stdio", serverVersion: "1", sharing: "shared", ...overrides };
}

export interface RunningGateway {
  readonly url: string;
  readonly gateway: Gateway;
  readonly contract: GatewayContract;
  readonly logText: () => string;
  execute(server: string, tool: string, args?: object, caller?: Caller): Promise<RawAnswer>;
  /** An open MCP session on a path. */
  connect(path: string, caller?: Caller): Promise<RawClient>;
  allHealthy(): Promise<void>;
  /** Gives a caller's token an end. */
  expire(caller: Caller, end: Date): void;
  stop(): Promise<void>;
}

/** A gateway with the callers owner, alice and bob. */
export async function startGateway(
  servers: readonly GatewayServer[],
  overrides: Partial<GatewayContract> = {},
): Promise<RunningGateway> {
  const secretsDir = mkdtempSync(join(tmpdir(), "gateway-"));
  writeTokens(secretsDir, TOKENS);
  const contract: GatewayContract = {
    version: 1,
    estate: "test",
    stack: "dev",
    limits: LIMITS,
    servers: [...servers],
    tokensFile: TOKENS_FILE,
    principals: [{ name: "alice" }, { name: "bob" }],
    callTimeoutSeconds: 5,
    healthIntervalSeconds: 0.2,
    ...overrides,
  };
  const { log, text } = memoryLog();
  const gateway = new Gateway({ contract, secretsDir, log });
  const server = createGatewayServer(gateway);
  const url = await listen(server);
  gateway.start();
  return {
    url,
    gateway,
    contract,
    logText: text,
    execute: async (name, tool, args = {}, caller = "owner") => {
      const response = await fetch(`${url}/execute`, {
        method: "POST",
        headers: authOf(caller),
        body: JSON.stringify({ server: name, tool, arguments: args }),
      });
      const body = await response.text();
      const json = { result: JSON.parse(body) as unknown };
      return { status: response.status, headers: response.headers, text: body, json };
    },
    connect: async (path, caller = "owner") => {
      const client = new RawClient(`${url}${path}`, authOf(caller));
      await client.open();
      return client;
    },
    allHealthy: async () => {
      const all = () => gateway.servers.flatMap(({ upstreams }) => upstreams);
      await until(
        () => all().every(({ routable }) => routable),
        15_000,
        () => all().map(({ name, reason }) => [name, reason]),
      );
    },
    expire: (caller, end) => {
      writeTokens(secretsDir, TOKENS, { [caller]: end });
      gateway.reload(contract);
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await gateway.stop();
    },
  };
}
