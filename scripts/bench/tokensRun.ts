import { randomBytes } from "node:crypto";
import { figures as figuresOf } from "./callers.ts";
import { HttpConnection, type RawAnswer } from "./httpCaller.ts";
import { fixtureCommand } from "./leakRun.ts";
import { rssMiBOf } from "./processFigures.ts";
import { startPrograms, type Caller, type Programs } from "./programs.ts";

/** What was answered to one kind of bad request. */
export interface KindFigures {
  readonly kind: string;
  /** HTTP status → how often. */
  readonly statuses: Readonly<Record<number, number>>;
}

export interface TokensFigures {
  readonly kinds: readonly KindFigures[];
  /** Calls of bad requests that reached the server's tool. */
  readonly gotIn: number;
  /** Of another caller's calls, alone and during the bad requests, in ms. */
  readonly p95Before: number;
  readonly p95During: number;
  /** Of that caller's calls, those that were not answered with 200. */
  readonly failed: number;
  /** Of the gateway, after a warm-up with as many bad requests, and after all. */
  readonly rssMiBBefore: number;
  readonly rssMiBAfter: number;
}

const token = (): string => randomBytes(36).toString("base64url");
const SERVER = "good";
const ATTACKERS = 8;
/** The tool counts its calls: none of the bad requests may move it. */
const COUNT = "count";
const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"tokens","version":"1"}}}';

const mcpCall = (name: string): string =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{}}}`;
const restCall = (tool: string): string => JSON.stringify({ server: SERVER, tool, arguments: { message: "x" } });

/** Path → body of a call of a tool. */
const WAYS: readonly (readonly [path: string, body: string])[] = [
  ["/execute", restCall(COUNT)],
  ["/api/v1/mcp/execute", restCall(COUNT)],
  [`/servers/${SERVER}/mcp`, mcpCall(COUNT)],
  ["/mcp", mcpCall(`${SERVER}__${COUNT}`)],
];

function headersOf(bearer: string, session?: string): string {
  const lines = [`authorization: Bearer ${bearer}`, "content-type: application/json", "accept: application/json"];
  if (session !== undefined) lines.push(`mcp-session-id: ${session}`);
  return lines.map((line) => `${line}\r\n`).join("");
}

/** One kind of bad request: the n-th of them. */
interface Kind {
  readonly kind: string;
  readonly request: (index: number) => readonly [path: string, headers: string, body: string];
}

/** Sessions that a victim has opened, by their paths: whoever has seen their ids may send them again. */
async function openSessions(url: URL, bearer: string): Promise<ReadonlyMap<string, string>> {
  const sessions = new Map<string, string>();
  for (const path of [`/servers/${SERVER}/mcp`, "/mcp"]) {
    const connection = new HttpConnection(url);
    const opened = await connection.post(path, headersOf(bearer), INITIALIZE);
    sessions.set(path, opened.headers.get("mcp-session-id") ?? "");
    connection.close();
  }
  return sessions;
}

async function kindsOf(url: URL, callers: Readonly<Record<string, Caller>>): Promise<Kind[]> {
  const tokenOf = (name: string): string => callers[name]?.token ?? "";
  const victim = tokenOf("victim");
  const sessions = await openSessions(url, victim);
  const anyWay = (bearer: (index: number) => string): Kind["request"] => {
    return (index) => {
      const [path, body] = WAYS[index % WAYS.length] ?? ["", ""];
      return [path, headersOf(bearer(index), sessions.get(path)), body];
    };
  };
  const rest = WAYS.slice(0, 3);
  const mcp = WAYS.slice(2);
  return [
    { kind: "wrong", request: anyWay(token) },
    { kind: "expired", request: anyWay(() => tokenOf("expired")) },
    { kind: "truncated", request: anyWay((index) => victim.slice(0, -1 - (index % (victim.length - 1)))) },
    {
      kind: "scope-less",
      request: (index) => {
        const [path, body] = rest[index % rest.length] ?? ["", ""];
        return [path, headersOf(tokenOf("scopeless")), body];
      },
    },
    {
      kind: "replayed session of another caller",
      request: (index) => {
        const [path, body] = mcp[index % mcp.length] ?? ["", ""];
        return [path, headersOf(tokenOf("thief"), sessions.get(path)), body];
      },
    },
  ];
}

async function attack(url: URL, kinds: readonly Kind[], count: number): Promise<KindFigures[]> {
  const seen = kinds.map(() => new Map<number, number>());
  let sent = 0;
  const worker = async (): Promise<void> => {
    const connection = new HttpConnection(url);
    while (sent < count) {
      const index = sent;
      sent += 1;
      const at = index % kinds.length;
      const { status } = await post(connection, kinds[at]?.request(Math.floor(index / kinds.length)));
      seen[at]?.set(status, (seen[at].get(status) ?? 0) + 1);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: ATTACKERS }, worker));
  return kinds.map(({ kind }, at) => ({ kind, statuses: Object.fromEntries(seen[at] ?? []) }));
}

function post(connection: HttpConnection, request: ReturnType<Kind["request"]> = ["", "", ""]): Promise<RawAnswer> {
  return connection.post(...request);
}

/** Calls until told to end. @returns their times in ms, and how many failed. */
function keepCalling(url: URL, bearer: string): () => Promise<{ times: number[]; failed: number }> {
  let over = false;
  const times: number[] = [];
  let failed = 0;
  const work = async (): Promise<void> => {
    const connection = new HttpConnection(url);
    while (!over) {
      const began = performance.now();
      const { status } = await connection.post("/execute", headersOf(bearer), restCall("echo"));
      times.push(performance.now() - began);
      if (status !== 200) failed += 1;
    }
    connection.close();
  };
  const working = work();
  return async () => {
    over = true;
    await working;
    return { times, failed };
  };
}

const p95 = (times: readonly number[]): number => figuresOf(times, 1).p95;

async function counted(url: URL, bearer: string): Promise<number> {
  const connection = new HttpConnection(url);
  const { text } = await connection.post("/execute", headersOf(bearer), restCall(COUNT));
  connection.close();
  return Number(/"text":"(\d+)"/.exec(text)?.[1]);
}

/** Sends `count` bad requests, after as many to warm up, while another caller works. */
export async function runTokens(count: number, quietMs: number): Promise<TokensFigures> {
  const callers = {
    victim: { name: "victim", token: token() },
    thief: { name: "thief", token: token() },
    expired: { name: "expired", token: token(), expires: new Date(Date.now() - 1000).toISOString() },
    scopeless: { name: "scopeless", token: token(), scopes: {} },
    worker: { name: "worker", token: token() },
  };
  const servers = [{ name: SERVER, command: fixtureCommand("good") }];
  const programs: Programs = await startPrograms(servers, [], Object.values(callers));
  try {
    const url = new URL(programs.gateway);
    const pid = programs.gatewayProcess.pid ?? 0;
    const kinds = await kindsOf(url, callers);
    const warming = keepCalling(url, callers.worker.token);
    await attack(url, kinds, count);
    await warming();
    const rssMiBBefore = rssMiBOf(pid);
    const alone = keepCalling(url, callers.worker.token);
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    const before = await alone();
    const during = keepCalling(url, callers.worker.token);
    const figures = await attack(url, kinds, count);
    const after = await during();
    return {
      kinds: figures,
      gotIn: (await counted(url, programs.token)) - 1,
      p95Before: p95(before.times),
      p95During: p95(after.times),
      failed: before.failed + after.failed,
      rssMiBBefore,
      rssMiBAfter: rssMiBOf(pid),
    };
  } finally {
    await programs.stop();
  }
}
