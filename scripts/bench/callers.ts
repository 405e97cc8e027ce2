import { spawn, type ChildProcess } from "node:child_process";
import { HttpConnection } from "./httpCaller.ts";

/** One client of the measured path. */
export interface Caller {
  /** Sends one call and resolves when its answer is there; rejects when the answer is wrong. */
  call(): Promise<void>;
  close(): void;
}

export interface Figures {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly perSecond: number;
}

const message = (id: number, method: string, params: object): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params });
const INITIALIZE = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } };
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const echo = (id: number, tool: string): string =>
  message(id, "tools/call", { name: tool, arguments: { message: "hello" } });

/** Direct JSON-RPC lines on the server's own pipes: what no bridge can beat. */
export async function stdioCaller(command: readonly string[]): Promise<{ caller: Caller; process: ChildProcess }> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "ignore"] });
  const waiting = new Map<number, () => void>();
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const { id } = JSON.parse(line) as { id?: number };
      if (id === undefined) continue;
      waiting.get(id)?.();
      waiting.delete(id);
    }
  });
  let id = 0;
  const send = (text: (id: number) => string): Promise<void> =>
    new Promise((resolve) => {
      id += 1;
      waiting.set(id, resolve);
      child.stdin.write(`${text(id)}\n`);
    });
  await send((one) => message(one, "initialize", INITIALIZE));
  child.stdin.write(`${INITIALIZED}\n`);
  const caller = { call: () => send((one) => echo(one, "echo")), close: (): void => undefined };
  return { caller, process: child };
}

/** One session on one connection of a Streamable HTTP server. */
export async function httpCaller(address: string, tool: string, token?: string): Promise<Caller> {
  const url = new URL(address);
  const connection = new HttpConnection(url);
  const common =
    "content-type: application/json\r\naccept: application/json, text/event-stream\r\n" +
    (token === undefined ? "" : `authorization: Bearer ${token}\r\n`);
  const opened = await connection.post(url.pathname, common, message(0, "initialize", INITIALIZE));
  if (opened.status !== 200) throw new Error(`${address}: initialize: ${opened.status} ${opened.text}`);
  const session = opened.headers.get("mcp-session-id");
  const headers =
    common + "mcp-protocol-version: 2025-11-25\r\n" + (session === undefined ? "" : `mcp-session-id: ${session}\r\n`);
  await connection.post(url.pathname, headers, INITIALIZED);
  let id = 0;
  return {
    call: async () => {
      id += 1;
      const { status, text } = await connection.post(url.pathname, headers, echo(id, tool));
      if (status !== 200 || !text.includes("Echo: hello"))
        throw new Error(`${address}: wrong answer: ${status} ${text}`);
    },
    close: () => connection.close(),
  };
}

/** Every caller sends its next call when it has its answer, for `ms` milliseconds. */
export async function measure(callers: readonly Caller[], ms: number): Promise<Figures> {
  const times: number[] = [];
  const began = performance.now();
  const end = began + ms;
  await Promise.all(
    callers.map(async (caller) => {
      for (let start = performance.now(); start < end; start = performance.now()) {
        await caller.call();
        times.push(performance.now() - start);
      }
    }),
  );
  return figures(times, (performance.now() - began) / 1000);
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Milliseconds and calls per second of what was measured in `seconds`. */
export function figures(times: readonly number[], seconds: number): Figures {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), perSecond: times.length / seconds };
}
