import { once } from "node:events";
import type { Server } from "node:http";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pino, type Logger } from "pino";
import type { Limits, ServerContract, ServerTuning } from "../../runtime/contract/index.ts";
import { createSupervisorServer } from "../../runtime/supervisor/httpServer.ts";
import { Supervisor } from "../../runtime/supervisor/supervisor.ts";

export const LIMITS: Limits = {
  memoryMiB: 256,
  memoryReservationMiB: 64,
  cpus: 1,
  pids: 32,
  processes: 15,
  nofile: { soft: 1024, hard: 2048 },
  nproc: 100,
};

export const ROOT = join(import.meta.dirname, "../..");
export const EVERYTHING = [
  process.execPath,
  join(ROOT, "node_modules/@modelcontextprotocol/server-everything/dist/index.js"),
];

/** The command of a fixture server. */
export const fixture = (name: string): string[] => [
  process.execPath,
  join(ROOT, "test/fixtures/servers", `${name}.ts`),
];

/** Short bounds, so that tests see them. */
export const FAST: ServerTuning = { graceSeconds: 0.3, spawnsPer10Seconds: 100, spawnsPerMinute: 100 };

export function contractOf(command: readonly string[], overrides: Partial<ServerContract> = {}): ServerContract {
  return {
    version: 1,
    estate: "test",
    stack: "dev",
    name: "fixture",
    serverVersion: "1.2.3",
    transport: "stdio",
    command: [...command],
    cwd: "/tmp",
    env: {},
    secretEnv: {},
    sharing: "shared",
    maxChildren: 1,
    limits: LIMITS,
    health: { intervalSeconds: 0.2, timeoutSeconds: 2, failures: 2 },
    callTimeoutSeconds: 2,
    tuning: FAST,
    ...overrides,
  };
}

/** A log that is kept: one parsed line per event. */
export function memoryLog(): { log: Logger; lines: Record<string, unknown>[]; text: () => string } {
  const lines: Record<string, unknown>[] = [];
  let all = "";
  const write = (line: string): void => {
    all += line;
    lines.push(JSON.parse(line) as Record<string, unknown>);
  };
  return { log: pino({ level: "info" }, { write }), lines, text: () => all };
}

export async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface RunningSupervisor {
  readonly url: string;
  readonly supervisor: Supervisor;
  readonly lines: Record<string, unknown>[];
  readonly logText: () => string;
  stop(): Promise<void>;
}

export async function startSupervisor(
  contract: ServerContract,
  options: { allowUnlimited?: boolean; secretsDir?: string; restartContainer?: (reason: string) => void } = {},
): Promise<RunningSupervisor> {
  const { log, lines, text } = memoryLog();
  const supervisor = new Supervisor({
    contract,
    log,
    secretsDir: options.secretsDir ?? "/nonexistent",
    allowUnlimited: options.allowUnlimited ?? true,
    restartContainer: options.restartContainer ?? (() => undefined),
  });
  const server = createSupervisorServer(supervisor);
  const url = await listen(server);
  supervisor.start();
  return {
    url,
    supervisor,
    lines,
    logText: text,
    stop: async () => {
      await supervisor.stop("the test is over");
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Waits until `check` gives something; throws after `timeoutMs` with what `describe` says. */
export async function until<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 15_000,
  describe: () => unknown = () => "",
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${JSON.stringify(describe())}`);
    await sleep(20);
  }
}

export async function stateIs(running: RunningSupervisor, state: string, timeoutMs = 15_000): Promise<void> {
  await until(
    () => running.supervisor.readiness().state === state,
    timeoutMs,
    () => running.supervisor.readiness(),
  );
}

/** What the middle one of nine takes in ms: a busy machine delays one or two, a blocked program all of them. */
export async function medianMs(ask: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const began = performance.now();
    await ask();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[4] ?? NaN;
}

/** Runs in /proc, zombies not counted. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** A raw session: what an MCP client sends, without one. */
export class RawClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  session: string | undefined;
  #id = 0;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#url = url;
    this.#headers = headers;
  }

  async post(body: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...(this.session !== undefined && { "mcp-session-id": this.session }),
        ...this.#headers,
        ...headers,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const json = (text.startsWith("{") ? JSON.parse(text) : {}) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, text, json };
  }

  async open(capabilities: object = {}): Promise<RawAnswer> {
    const params = { protocolVersion: "2025-11-25", capabilities, clientInfo: { name: "raw", version: "1" } };
    const answer = await this.post({ jsonrpc: "2.0", id: "init", method: "initialize", params });
    this.session = answer.headers.get("mcp-session-id") ?? undefined;
    if (this.session !== undefined) await this.post({ jsonrpc: "2.0", method: "notifications/initialized" });
    return answer;
  }

  request(method: string, params: object = {}, headers?: Record<string, string>): Promise<RawAnswer> {
    this.#id += 1;
    return this.post({ jsonrpc: "2.0", id: this.#id, method, params }, headers);
  }

  call(name: string, args: object = {}): Promise<RawAnswer> {
    return this.request("tools/call", { name, arguments: args });
  }
}

/** The first text of a tool result. */
export function textOf(answer: RawAnswer): string | undefined {
  const result = answer.json["result"] as { content?: { text?: string }[] } | undefined;
  return result?.content?.[0]?.text;
}

/** For throws and rejects: a Fault with this status and message. */
export function isFault(error: unknown, status: number, message: RegExp): boolean {
  if (!(error instanceof Error) || !("status" in error)) return false;
  if (error.status === status && message.test(error.message)) return true;
  throw new Error(`expected ${status} ${message}, got ${String(error.status)} ${error.message}`);
}
