import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectDir } from "../lib/paths.ts";
import { HttpConnection } from "./httpCaller.ts";
import { figuresOf, openFiles, rssMiBOf, treeOf } from "./processFigures.ts";
import { startPrograms, type Programs } from "./programs.ts";

export interface LeakPlan {
  /** Connect, call, drop without a word. */
  readonly cycles: number;
  /** The same, dropped while the call is on its way. */
  readonly cuts: number;
  /** Server processes ended by SIGKILL. */
  readonly kills: number;
  /** Sessions with a server of their own that ignores TERM. */
  readonly ignoring: number;
  /** Sessions with a server of their own that has grandchildren. */
  readonly forking: number;
  /** Standing GET streams whose clients go without a word. */
  readonly streams: number;
}

/** One program before and after. */
export interface LeakFigures {
  readonly program: string;
  /** Itself, its server, and what the server itself wants to have. */
  readonly processesBefore: number;
  readonly processesAfter: number;
  readonly zombies: number;
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly rssMiBBefore: number;
  readonly rssMiBAfter: number;
}

export const fixtureCommand = (name: string): string[] => [
  process.execPath,
  join(projectDir, "test/fixtures/servers", `${name}.ts`),
];

/** Clients at work at once. */
const CLIENTS = 10;
const CUT_AFTER_MS = 2;
const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"leak","version":"1"}}}';
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const call = (tool: string): string =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${tool}","arguments":{"message":"x"}}}`;

/** One way to a server: the address, and the token where it takes one. */
export interface Target {
  readonly url: string;
  readonly token?: string;
}

function headersOf({ token }: Target, session?: string): string {
  const lines = ["content-type: application/json", "accept: application/json, text/event-stream"];
  if (token !== undefined) lines.push(`authorization: Bearer ${token}`);
  if (session !== undefined) lines.push(`mcp-session-id: ${session}`, "mcp-protocol-version: 2025-11-25");
  return lines.map((line) => `${line}\r\n`).join("");
}

/** A new session on a new connection; the caller drops it. */
async function openSession(target: Target): Promise<{ connection: HttpConnection; headers: string; session: string }> {
  const connection = new HttpConnection(new URL(target.url));
  try {
    const path = new URL(target.url).pathname;
    const opened = await connection.post(path, headersOf(target), INITIALIZE);
    if (opened.status !== 200) throw new Error(`${target.url}: initialize: ${opened.status} ${opened.text}`);
    const session = opened.headers.get("mcp-session-id") ?? "";
    const headers = headersOf(target, session);
    await connection.post(path, headers, INITIALIZED);
    return { connection, headers, session };
  } catch (error) {
    // One that stays open would count as the program's leak.
    connection.close();
    throw error;
  }
}

async function cycle(target: Target, cut: boolean): Promise<void> {
  const path = new URL(target.url).pathname;
  const { connection, headers } = await openSession(target);
  try {
    if (cut) {
      void connection.post(path, headers, call("hang")).catch(() => undefined);
      await sleep(CUT_AFTER_MS);
    } else {
      const { status, text } = await connection.post(path, headers, call("echo"));
      if (status !== 200 || !text.includes("Echo: x")) throw new Error(`wrong answer: ${status} ${text}`);
    }
  } finally {
    connection.close();
  }
}

/** `cycles` of them, of which `cuts` are cut in mid-call, evenly spread. */
export async function runCycles(target: Target, cycles: number, cuts: number): Promise<void> {
  let started = 0;
  const worker = async (): Promise<void> => {
    while (started < cycles) {
      started += 1;
      const cut = Math.floor((started * cuts) / cycles) !== Math.floor(((started - 1) * cuts) / cycles);
      await cycle(target, cut);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, worker));
}

/** Opens sessions on a server with a child each, and ends them as a client should. */
async function openAndEnd(target: Target, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const { connection, session } = await openSession(target);
    const headers = { authorization: `Bearer ${target.token ?? ""}`, "mcp-session-id": session };
    await fetch(target.url, { method: "DELETE", headers });
    connection.close();
  }
}

/** Standing streams whose sockets are dropped all at once. */
async function dropStreams(target: Target, count: number): Promise<void> {
  const url = new URL(target.url);
  const sockets = [];
  for (let index = 0; index < count; index += 1) {
    const { connection, session } = await openSession(target);
    connection.close();
    const socket = connect(Number(url.port), url.hostname);
    const head = headersOf(target, session).replace("application/json, ", "");
    socket.write(`GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n${head}\r\n`);
    await new Promise((resolve, reject) => socket.once("data", resolve).once("error", reject));
    sockets.push(socket);
  }
  await sleep(500);
  for (const socket of sockets) socket.destroy();
}

async function killServers(programs: Programs, name: string, count: number): Promise<void> {
  const supervisor = programs.supervisorProcess(name).pid ?? 0;
  let last = 0;
  for (let index = 0; index < count; index += 1) {
    for (let tries = 0; ; tries += 1) {
      const server = treeOf(supervisor).find(({ pid, state }) => pid !== supervisor && pid !== last && state !== "Z");
      const ready = await fetch(`${programs.supervisor(name)}/ready`);
      await ready.text();
      if (server !== undefined && ready.status === 200) {
        last = server.pid;
        process.kill(server.pid, "SIGKILL");
        break;
      }
      if (tries > 1000) throw new Error(`${name} did not come back after ${index} kills`);
      await sleep(20);
    }
  }
}

interface Size {
  readonly processes: number;
  readonly zombies: number;
  readonly files: number;
  readonly rssMiB: number;
}

/** Descriptors and memory are of the program itself: its servers are not ours. */
export function sizeOf(pid: number): Size {
  const { processes, zombies } = figuresOf(pid);
  return { processes, zombies, files: openFiles(pid), rssMiB: rssMiBOf(pid) };
}

export function compare(program: string, before: Size, after: Size): LeakFigures {
  return {
    program,
    processesBefore: before.processes,
    processesAfter: after.processes,
    zombies: after.zombies,
    filesBefore: before.files,
    filesAfter: after.files,
    rssMiBBefore: before.rssMiB,
    rssMiBAfter: after.rssMiB,
  };
}

interface Program {
  readonly program: string;
  readonly pid: number;
}

/** Until nothing changes any more, at most 20 s: what is being ended takes its grace period. */
async function settle(programs: readonly Program[]): Promise<void> {
  let before = "";
  for (let index = 0; index < 40; index += 1) {
    await sleep(500);
    const now = JSON.stringify(programs.map(({ pid }) => [openFiles(pid), treeOf(pid).length]));
    if (now === before) return;
    before = now;
  }
}

/**
 * Warms every program up, measures, does everything of the plan through gateway and supervisors, and measures again.
 * Sessions are bounded and the oldest gives way, so the warm-up fills their table first.
 */
export async function runLeak(plan: LeakPlan): Promise<LeakFigures[]> {
  const maxSessions = Math.ceil(plan.cycles / 10);
  const base = { spawnsPer10Seconds: 10_000, spawnsPerMinute: 10_000, graceSeconds: 0.3 };
  // a failure is forgotten at once, so that the 200th restart comes as fast as the first
  const tuning = { ...base, maxSessions, restartFailures: 1000, restartWindowSeconds: 0.05 };
  const own = { sharing: "isolated", maxChildren: 8, tuning: base } as const;
  const programs = await startPrograms([
    { name: "good", command: fixtureCommand("good"), callTimeoutSeconds: 2, tuning },
    { name: "ignoring", command: fixtureCommand("ignoresTerm"), ...own },
    { name: "forking", command: fixtureCommand("forks"), env: { FORKS: "2" }, ...own },
  ]);
  try {
    const target = (name: string): Target => ({
      url: `${programs.gateway}/servers/${name}/mcp`,
      token: programs.token,
    });
    const list: Program[] = ["good", "ignoring", "forking"].map((name) => ({
      program: `supervisor of ${name}`,
      pid: programs.supervisorProcess(name).pid ?? 0,
    }));
    list.push({ program: "gateway", pid: programs.gatewayProcess.pid ?? 0 });
    await runCycles(target("good"), Math.max(500, maxSessions * 1.5), Math.max(50, maxSessions * 0.15));
    await dropStreams(target("good"), Math.min(20, plan.streams));
    await killServers(programs, "good", 3);
    await openAndEnd(target("ignoring"), 8);
    await openAndEnd(target("forking"), 8);
    await settle(list);
    const before = list.map(({ pid }) => sizeOf(pid));

    await runCycles(target("good"), plan.cycles, plan.cuts);
    await dropStreams(target("good"), plan.streams);
    await killServers(programs, "good", plan.kills);
    await openAndEnd(target("ignoring"), plan.ignoring);
    await openAndEnd(target("forking"), plan.forking);
    // the last death must be over
    await runUntil(() => runCycles(target("good"), CLIENTS, 0));
    await settle(list);
    return list.map(({ program, pid }, index) => compare(program, before[index] ?? sizeOf(pid), sizeOf(pid)));
  } finally {
    await programs.stop();
  }
}

async function runUntil(act: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await act();
    } catch (error) {
      if (tries > 50) throw error;
      await sleep(100);
    }
  }
}
