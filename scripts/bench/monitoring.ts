/**
 * `npm run bench:monitoring`: what watching 30 servers costs. An estate of 30 servers is left alone for some minutes, first
 * without and then with its monitoring; processor time and memory are Docker's own figures. Writes docs/results/monitoring.md;
 * fails when the monitoring takes more than a tenth of a processor or 600 MiB.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { docker, TestEstate } from "../../test/e2e/testEstate.ts";
import { places } from "../../test/e2e/places.ts";
import { sayer, table } from "../lib/log.ts";
import { main } from "../lib/main.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";
import { withDocker } from "./withDocker.ts";

const MONITORING_COMPONENTS = [
  ...["alertmanager", "collector", "collector-control", "guard", "guard-control", "monitor", "prometheus"],
];
const SERVERS = 30;
const SETTLE_MS = 60_000;
const WATCH_MS = 300_000;
const MIB = 1024 * 1024;
/** Of one processor. */
const MOST_SHARE = 0.1;
const MOST_MIB = 600;
const HEADERS = ["", "PROCESSOR", "MEMORY"];

const estate = new TestEstate("benchmon", {
  config: {
    "mcp-estate:servers": Object.fromEntries(
      Array.from({ length: SERVERS }, (_, index) => [`everything-${index + 1}`, { from: "everything" }]),
    ),
    "mcp-estate:allowOvercommit": true,
  },
});

interface Use {
  /** Of one processor. */
  share: number;
  mebibytes: number;
}

interface Stats {
  cpu_stats: { cpu_usage: { total_usage: number } };
  memory_stats: { usage: number; stats: { total_inactive_file?: number; inactive_file?: number } };
}

/** Component → what it used while nobody called anything. */
async function watch(): Promise<Map<string, Use>> {
  await sleep(SETTLE_MS);
  const before = await readAll();
  const began = performance.now();
  await sleep(WATCH_MS);
  const after = await readAll();
  const nanoseconds = (performance.now() - began) * 1e6;
  return new Map(
    [...after].map(([name, { cpu_stats: cpu, memory_stats: memory }]) => {
      const spent = cpu.cpu_usage.total_usage - (before.get(name)?.cpu_stats.cpu_usage.total_usage ?? 0);
      const cache = memory.stats.total_inactive_file ?? memory.stats.inactive_file ?? 0;
      return [name, { share: spent / nanoseconds, mebibytes: (memory.usage - cache) / MIB }];
    }),
  );
}

async function readAll(): Promise<Map<string, Stats>> {
  const listed = await docker.listContainers({ filters: { label: [`mcp-estate.stack=${estate.stack}`] } });
  const each = listed.map(async ({ Id, Labels }) => {
    const stats = (await docker.getContainer(Id).stats({ stream: false, "one-shot": true })) as unknown as Stats;
    return [Labels["mcp-estate.component"] ?? "", stats] as const;
  });
  return new Map(await Promise.all(each));
}

function sum(uses: ReadonlyMap<string, Use>, which: (name: string) => boolean): Use {
  const chosen = [...uses].filter(([name]) => which(name)).map(([, use]) => use);
  return {
    share: chosen.reduce((total, { share }) => total + share, 0),
    mebibytes: chosen.reduce((total, { mebibytes }) => total + mebibytes, 0),
  };
}

const row = (name: string, { share, mebibytes }: Use): string[] => [
  name,
  `${(share * 100).toFixed(1)} %`,
  `${mebibytes.toFixed(0)} MiB`,
];
const isMonitoring = (name: string): boolean => MONITORING_COMPONENTS.includes(name);

await main(async () => {
  const circumstances = new Circumstances();
  const say = sayer("bench");
  const { without, watched, series } = await withDocker(async () => {
    try {
      await estate.create();
      say(`deploying ${SERVERS} servers`);
      await estate.succeed("up", ["--yes"]);
      say(`watching them for ${WATCH_MS / 60_000} minutes without monitoring`);
      const alone = await watch();
      estate.configure((config) => {
        const { port } = places.benchmon;
        const ports = { prometheusPort: port + 1, alertmanagerPort: port + 2, pagePort: port + 3 };
        // As the stack dev has it.
        config["mcp-estate:monitoring"] = { ...ports, collector: {} };
      });
      await estate.succeed("up", ["--yes"]);
      say("the same with monitoring");
      const monitored = await watch();
      const prometheus = await estate.output<string>("prometheusUrl");
      const query = encodeURIComponent('count({__name__=~".+"})');
      const answer = (await (await fetch(`${prometheus}/api/v1/query?query=${query}`)).json()) as {
        data: { result: Array<{ value: [number, string] }> };
      };
      return { without: alone, watched: monitored, series: answer.data.result[0]?.value[1] ?? "?" };
    } finally {
      await estate.dispose();
    }
  });
  const monitoring = sum(watched, isMonitoring);
  const rows = [
    ...MONITORING_COMPONENTS.map((name) => row(name, watched.get(name) ?? { share: NaN, mebibytes: NaN })),
    row("monitoring in all", monitoring),
    row(
      "servers, gateway and edge, unwatched",
      sum(without, () => true),
    ),
    row(
      "servers, gateway and edge, watched",
      sum(watched, (name) => !isMonitoring(name)),
    ),
  ];
  console.log(table(HEADERS, rows));
  await writeResult("monitoring", "npm run bench:monitoring", circumstances, [
    `# What watching ${SERVERS} servers costs`,
    `Over ${WATCH_MS / 60_000} minutes in which nobody calls, scrapes every 15 s, the guard every 10 s. Processor time is a share of ` +
      `one processor. Goals: under ${MOST_SHARE * 100} % and ${MOST_MIB} MiB. Prometheus had ${series} series.`,
    markdownTable(HEADERS, rows),
  ]);
  return monitoring.share < MOST_SHARE && monitoring.mebibytes < MOST_MIB ? 0 : 1;
});
