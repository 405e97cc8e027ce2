/**
 * What the request path costs: the same tool call (echo of server-everything) on every way there is to it, in one run
 * and in alternation, as others may use the machine too: quote the ratios. Writes docs/results/request-path.md.
 *
 * `npm run bench:path -- [--seconds 2] [--rounds 3] [--clients 1,10,100]`
 */
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { httpCaller, measure, median, stdioCaller, type Caller, type Figures } from "./callers.ts";
import { installPeers, PEERS, startOwnHttp, startPeer, stopPeer, type Peer } from "./peers.ts";
import { figuresOf, treeOf } from "./processFigures.ts";
import { EVERYTHING, startPrograms, type Programs } from "./programs.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    clients: { type: "string", default: "1,10,100" },
  },
});
const MEASURE_MS = Number(values.seconds) * 1000;
const ROUNDS = Number(values.rounds);
const CLIENTS = values.clients.split(",").map(Number);
const WARM_UP_MS = 500;
const SERVER = [process.execPath, EVERYTHING];
/** The one to compare with: the fastest of the bridges that others use. */
const BASE = "mcp-proxy";
/** It starts a server per session: a hundred of them would fill the machine's memory. */
const MAX_SUPERGATEWAY_CLIENTS = 10;

interface Path {
  readonly name: string;
  readonly maxClients?: number;
  open(): Promise<Caller>;
}

type Measured = ReadonlyMap<string, readonly Figures[]>;

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

/** Each round measures every path once, so that what else the machine does meets them all alike. */
async function measureAll(paths: readonly Path[], clients: number, busy?: () => Promise<void>): Promise<Measured> {
  const results = new Map<string, Figures[]>();
  const open = new Map<Path, Caller[]>();
  for (const path of paths.filter(({ maxClients = Infinity }) => clients <= maxClients)) {
    const callers: Caller[] = [];
    for (let index = 0; index < clients; index += 1) callers.push(await path.open());
    await measure(callers, WARM_UP_MS);
    open.set(path, callers);
  }
  for (let index = 0; index < ROUNDS; index += 1) {
    for (const [path, callers] of open) {
      const probing = path.name.startsWith("gateway /servers") ? busy?.() : undefined;
      results.set(path.name, [...(results.get(path.name) ?? []), await measure(callers, MEASURE_MS)]);
      await probing;
    }
  }
  for (const callers of open.values()) for (const caller of callers) caller.close();
  return results;
}

function tableOf(measured: Measured): string {
  const base = measured.get(BASE) ?? [];
  const rows = [...measured].map(([name, figures]) => {
    const of = (key: keyof Figures): number => median(figures.map((figure) => figure[key]));
    // ratios are taken inside each round and only then combined
    const ratio = median(figures.map(({ perSecond }, index) => perSecond / (base[index]?.perSecond ?? NaN)));
    return [name, round(of("p50")), round(of("p95")), Math.round(of("perSecond")), round(ratio, 1)];
  });
  return markdownTable(["way", "p50 ms", "p95 ms", "calls/s", `calls/s against ${BASE}`], rows);
}

/** GET /health every 5 ms while the clients call. */
async function probeHealth(url: string, times: number[]): Promise<void> {
  for (const end = performance.now() + MEASURE_MS; performance.now() < end; await sleep(5)) {
    const began = performance.now();
    await (await fetch(`${url}/health`)).text();
    times.push(performance.now() - began);
  }
}

/** Kills the server process of one bridge and waits for a right answer; undefined when none comes within 10 s. */
async function recoveryMs(bridge: number, open: () => Promise<Caller>): Promise<number | undefined> {
  const server = treeOf(bridge).find(({ parent }) => parent === bridge);
  if (server === undefined) throw new Error(`process ${bridge} has no server`);
  process.kill(server.pid, "SIGKILL");
  const began = performance.now();
  await sleep(50);
  for (; performance.now() - began < 10_000; await sleep(20)) {
    try {
      const caller = await open();
      await Promise.race([caller.call(), sleep(1000).then(() => Promise.reject(new Error("no answer")))]);
      caller.close();
      return performance.now() - began;
    } catch {
      // not yet
    }
  }
  return undefined;
}

function processRow(name: string, pid: number, startMs?: number, recovery?: number | "never"): (string | number)[] {
  const { processes, threads, pssMiB } = figuresOf(pid);
  const recovered =
    recovery === undefined ? "" : recovery === "never" ? "not within 10 s" : `${round(recovery / 1000)} s`;
  return [
    name,
    processes,
    threads,
    round(pssMiB, 1),
    startMs === undefined ? "" : `${round(startMs / 1000)} s`,
    recovered,
  ];
}

async function main(): Promise<void> {
  const circumstances = new Circumstances();
  installPeers();
  const peers: Peer[] = [];
  let programs: Programs | undefined;
  const direct = await stdioCaller(SERVER);
  try {
    const ours = await startPrograms([{ name: "everything" }]);
    programs = ours;
    const supervisor = ours.supervisorProcess("everything").pid ?? 0;
    const idle = [
      processRow("supervisor and its server", supervisor, ours.startMs),
      processRow("gateway", ours.gatewayProcess.pid ?? 0),
    ];
    const alone = figuresOf(supervisor).pssMiB - figuresOf(treeOf(supervisor)[1]?.pid ?? 0).pssMiB;
    for (const name of PEERS) peers.push(await startPeer(name, SERVER));
    peers.push(await startOwnHttp(EVERYTHING));
    const paths: Path[] = [
      { name: "direct stdio", open: () => Promise.resolve(direct.caller) },
      { name: "supervisor", open: () => httpCaller(`${ours.supervisor("everything")}/mcp`, "echo") },
      {
        name: "gateway /servers/NAME/mcp",
        open: () => httpCaller(`${ours.gateway}/servers/everything/mcp`, "echo", ours.token),
      },
      { name: "gateway /mcp", open: () => httpCaller(`${ours.gateway}/mcp`, "everything__echo", ours.token) },
      ...peers.map(({ name, url }) => ({
        name,
        open: () => httpCaller(url, "echo"),
        ...(name === "supergateway" && { maxClients: MAX_SUPERGATEWAY_CLIENTS }),
      })),
    ];
    const health: number[] = [];
    const sections: string[] = [];
    for (const clients of CLIENTS) {
      const busy = clients === Math.max(...CLIENTS) ? () => probeHealth(ours.gateway, health) : undefined;
      sections.push(`## ${clients} client${clients === 1 ? "" : "s"}`, tableOf(await measureAll(paths, clients, busy)));
    }
    const recoveries = new Map<string, number | "never">();
    for (const {
      name,
      url,
      process: { pid },
    } of peers.slice(0, PEERS.length))
      recoveries.set(name, (await recoveryMs(pid ?? 0, () => httpCaller(url, "echo"))) ?? "never");
    const through = () => httpCaller(`${ours.gateway}/servers/everything/mcp`, "echo", ours.token);
    recoveries.set("ours", (await recoveryMs(supervisor, through)) ?? "never");
    health.sort((a, b) => a - b);
    const p99 = health[Math.floor(health.length * 0.99)] ?? NaN;
    await writeResult("request-path", "npm run bench:path", circumstances, [
      "# What the request path costs",
      "The same call (echo of server-everything) on every way to it. Ours has authentication, limits, metrics and audit on; " +
        `every figure is the median of ${ROUNDS} rounds of ${values.seconds} s, each ratio is taken inside its round. ` +
        "The client is the same lean one for all of them and shares the processors with what it measures. supergateway " +
        `starts a server per session and was not asked for more than ${MAX_SUPERGATEWAY_CLIENTS}.`,
      ...sections,
      "## Health",
      `\`GET /health\` of the gateway while ${Math.max(...CLIENTS)} clients call: p99 ${round(p99, 1)} ms of ${health.length} probes.`,
      "## Processes",
      `Idle before the first call; the supervisor without its server has ${round(alone, 1)} MiB PSS. Afterwards what is left when all ` +
        "clients have gone. Start is from spawn to the first right answer, recovery from SIGKILL of the server process to the next one.",
      markdownTable(["idle", "processes", "threads", "PSS MiB", "start", "recovery"], idle),
      markdownTable(
        ["afterwards", "processes", "threads", "PSS MiB", "start", "recovery"],
        [
          processRow("supervisor and its server", supervisor, ours.startMs, recoveries.get("ours")),
          processRow("gateway", ours.gatewayProcess.pid ?? 0),
          ...peers.map((peer) => processRow(peer.name, peer.process.pid ?? 0, peer.startMs, recoveries.get(peer.name))),
        ],
      ),
    ]);
    for (const section of sections) console.log(section);
  } finally {
    for (const peer of peers) stopPeer(peer);
    direct.process.kill();
    await programs?.stop();
  }
}

await main();
process.exit(0);
