/**
 * What the request path costs: the same tool call (echo of server-everything) direct over stdio, through the
 * supervisor, and through gateway and supervisor with authentication, limits, metrics and audit on. All in one run on
 * loopback, bundled as in the images. Prints a table with ratios to direct stdio.
 *
 * `node scripts/bench/requestPath.ts [--calls 3000] [--clients 10,100]`
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const { values } = parseArgs({
  options: { calls: { type: "string", default: "3000" }, clients: { type: "string", default: "10,100" } },
});
const CALLS = Number(values.calls);
const CLIENTS = values.clients.split(",").map(Number);
const WARM_UP_CALLS = 1000;
const ROOT = join(import.meta.dirname, "../..");
const SERVER = join(ROOT, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");
const TOKEN = "bench-token-0123456789";
/** As recommended for the images. */
const NODE_FLAGS = ["--max-semi-space-size=2", "--v8-pool-size=1"];

interface Caller {
  /** Sends one call and resolves when its answer is there. */
  call(): Promise<void>;
}

interface Figures {
  readonly p50: number;
  readonly p95: number;
  readonly perSecond: number;
}

const message = (id: number, method: string, params: object): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params });
const INITIALIZE = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } };

function echoText(id: number, tool: string): string {
  return message(id, "tools/call", { name: tool, arguments: { message: "hello" } });
}

/** Direct JSON-RPC lines on the server's own pipes. */
async function stdioCaller(children: ChildProcess[]): Promise<Caller> {
  const child = spawn(process.execPath, [SERVER], { stdio: ["pipe", "pipe", "ignore"] });
  children.push(child);
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
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  return { call: () => send((one) => echoText(one, "echo")) };
}

function post(
  url: URL,
  agent: Agent,
  body: string,
  session: string | undefined,
): Promise<{ text: string; session: string | undefined }> {
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    authorization: `Bearer ${TOKEN}`,
    "content-length": Buffer.byteLength(body),
    ...(session !== undefined && { "mcp-session-id": session }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        const id = response.headers["mcp-session-id"];
        if ((response.statusCode ?? 500) < 300) resolve({ text, session: typeof id === "string" ? id : undefined });
        else reject(new Error(`HTTP ${response.statusCode}: ${text}`));
      });
    });
    sent.on("error", reject).end(body);
  });
}

async function httpCaller(address: string, tool: string): Promise<Caller> {
  const url = new URL(address);
  const agent = new Agent({ keepAlive: true });
  const { session } = await post(url, agent, message(0, "initialize", INITIALIZE), undefined);
  await post(url, agent, '{"jsonrpc":"2.0","method":"notifications/initialized"}', session);
  let id = 0;
  return {
    call: async () => {
      id += 1;
      const { text } = await post(url, agent, echoText(id, tool), session);
      if (!text.includes("Echo: hello")) throw new Error(`wrong answer: ${text}`);
    },
  };
}

/** `total` calls spread over the callers, each of which sends its next call when it has its answer. */
async function measure(callers: readonly Caller[], total: number): Promise<Figures> {
  const times: number[] = [];
  let left = total;
  const began = performance.now();
  await Promise.all(
    callers.map(async (caller) => {
      while (left > 0) {
        left -= 1;
        const start = performance.now();
        await caller.call();
        times.push(performance.now() - start);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), perSecond: times.length / seconds };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilHealthy(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const text = await fetch(url).then(
      (answer) => answer.text(),
      () => "",
    );
    if (/"healthy":1|"state":"healthy"/.test(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} did not turn healthy`);
}

const limits = {
  memoryMiB: 256,
  memoryReservationMiB: 64,
  cpus: 1,
  pids: 32,
  processes: 15,
  nofile: { soft: 1024, hard: 2048 },
  nproc: 100,
};

function footprint(name: string, { pid }: ChildProcess): string {
  const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return `${name}: PSS ${(Number(pss) / 1024).toFixed(1)} MiB, ${readdirSync(`/proc/${pid}/task`).length} threads`;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const children: ChildProcess[] = [];
  try {
    for (const name of ["supervisor", "gateway"]) {
      const outfile = join(folder, `${name}.mjs`);
      await build({
        entryPoints: [join(ROOT, `runtime/${name}/main.ts`)],
        outfile,
        bundle: true,
        platform: "node",
        format: "esm",
        target: "node24",
        logLevel: "error",
      });
    }
    const [supervisorPort, gatewayPort] = [await freePort(), await freePort()];
    const common = { version: 1, estate: "bench", stack: "bench", limits, callTimeoutSeconds: 30 };
    const contract = {
      ...common,
      name: "everything",
      serverVersion: "1",
      transport: "stdio",
      command: [process.execPath, SERVER],
      cwd: "/tmp",
      env: {},
      secretEnv: {},
      sharing: "shared",
      maxChildren: 1,
      health: { intervalSeconds: 5, timeoutSeconds: 5, failures: 3 },
    };
    const upstream = {
      name: "everything",
      url: `http://127.0.0.1:${supervisorPort}`,
      transport: "stdio",
      serverVersion: "1",
      sharing: "shared",
    };
    writeFileSync(join(folder, "supervisor.json"), JSON.stringify(contract));
    writeFileSync(
      join(folder, "gateway.json"),
      JSON.stringify({ ...common, servers: [upstream], tokenFile: "token", healthIntervalSeconds: 1 }),
    );
    writeFileSync(join(folder, "token"), TOKEN);
    const start = (name: string, port: number, ...args: string[]): ChildProcess => {
      const log = openSync(join(folder, `${name}.log`), "w");
      const command = [
        ...NODE_FLAGS,
        join(folder, `${name}.mjs`),
        join(folder, `${name}.json`),
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        ...args,
      ];
      const child = spawn(process.execPath, command, { stdio: ["ignore", log, log] });
      children.push(child);
      return child;
    };
    const supervisor = start("supervisor", supervisorPort, "--allow-unlimited");
    const gateway = start("gateway", gatewayPort, "--secrets", folder);
    await untilHealthy(`http://127.0.0.1:${supervisorPort}/ready`);
    await untilHealthy(`http://127.0.0.1:${gatewayPort}/health`);
    console.log(`${footprint("idle supervisor", supervisor)}; ${footprint("idle gateway", gateway)}`);

    const direct = await stdioCaller(children);
    const paths: [string, (index: number) => Promise<Caller>][] = [
      ["direct stdio", () => Promise.resolve(direct)],
      ["supervisor", () => httpCaller(`http://127.0.0.1:${supervisorPort}/mcp`, "echo")],
      ["gateway /servers/NAME/mcp", () => httpCaller(`http://127.0.0.1:${gatewayPort}/servers/everything/mcp`, "echo")],
      ["gateway /mcp", () => httpCaller(`http://127.0.0.1:${gatewayPort}/mcp`, "everything__echo")],
    ];
    const rows: Record<string, string | number>[] = [];
    for (const clients of [1, ...CLIENTS]) {
      let base: Figures | undefined;
      for (const [path, open] of paths) {
        const callers = await Promise.all(Array.from({ length: clients }, (_, index) => open(index)));
        await measure(callers, WARM_UP_CALLS);
        const figures = await measure(callers, CALLS);
        base ??= figures;
        rows.push({
          clients,
          path,
          "p50 ms": Number(figures.p50.toFixed(2)),
          "p95 ms": Number(figures.p95.toFixed(2)),
          "calls/s": Math.round(figures.perSecond),
          "p50 ratio": Number((figures.p50 / base.p50).toFixed(2)),
          "calls/s ratio": Number((figures.perSecond / base.perSecond).toFixed(2)),
        });
      }
    }
    console.table(rows);
    console.log(
      `after ${rows.length * (CALLS + WARM_UP_CALLS)} calls: ${footprint("supervisor", supervisor)}; ${footprint("gateway", gateway)}`,
    );
  } finally {
    for (const child of children) child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
process.exit(0);
