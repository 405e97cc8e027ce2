/**
 * `npm run bench:preview`: how long the preview of a large estate takes, against a fake Docker API, and an update without
 * a change of twenty real servers. Writes docs/results/preview.md. With sizes as arguments it measures those and writes
 * nothing.
 */
import { readFileSync } from "node:fs";
import { TestEstate } from "../../test/e2e/testEstate.ts";
import { table } from "../lib/log.ts";
import { FakeDocker } from "./fakeDocker.ts";
import { withDocker } from "./withDocker.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";

const ENTRIES = ["everything", "fetch", "filesystem", "memory", "sequential-thinking"];
/** Servers → seconds that a preview may take. */
const GOALS: Readonly<Record<number, number>> = { 100: 10, 500: 45 };
/** Recorded with the official engine and plugins on two cores: as many bare containers; 20 with a ProcessLimit each. */
const OFFICIAL = { preview: { 100: 6.1, 500: 22.3 } as Readonly<Record<number, number>>, twenty: 5.2 };
const SMALLEST = 5;
const RUNS = 3;
const TWENTY = 20;

interface Measured {
  seconds: number;
  cpuSeconds: number;
}

function servers(count: number): Record<string, { from: string | undefined }> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`server-${i + 1}`, { from: ENTRIES[i % ENTRIES.length] }]),
  );
}

/** Processor time of all children that have ended, theirs included: what other work on this host does not stretch. */
function childCpuSeconds(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** The fastest of some runs: what is slower was held up by something else. */
async function fastest(runs: number, work: () => Promise<unknown>): Promise<Measured> {
  let best: Measured | undefined;
  for (let run = 0; run < runs; run++) {
    const [started, cpu] = [performance.now(), childCpuSeconds()];
    await work();
    const seconds = (performance.now() - started) / 1000;
    if (!best || seconds < best.seconds) best = { seconds, cpuSeconds: childCpuSeconds() - cpu };
  }
  return best ?? { seconds: NaN, cpuSeconds: NaN };
}

async function previewOf(count: number): Promise<Measured> {
  const fake = new FakeDocker();
  await fake.start();
  const estate = new TestEstate("rndpreview", {
    config: { "mcp-estate:servers": servers(count) },
    host: { docker: fake.docker, env: fake.env, enter: (command) => [...command] },
  });
  try {
    return await estate.during(async () => {
      await estate.succeed("preview");
      return fastest(RUNS, () => estate.succeed("preview"));
    });
  } finally {
    await fake.stop();
  }
}

async function unchangedTwenty(): Promise<Measured> {
  const estate = new TestEstate("rndtwenty", {
    config: { "mcp-estate:servers": servers(TWENTY), "mcp-estate:allowOvercommit": true },
  });
  return estate.during(async () => {
    await estate.succeed("up", ["--yes"]);
    return fastest(RUNS, () => estate.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes"));
  });
}

const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** What one more server costs in processor time, against what it costs between the smallest estate and a hundred. */
function ofLinear(size: number): string {
  const [base, hundred, measured] = [found.get(SMALLEST), found.get(100), found.get(size)];
  if (!base || !hundred || !measured || size <= 100) return "";
  const perServer = (measured.cpuSeconds - base.cpuSeconds) / (size - SMALLEST);
  return `${((perServer * (100 - SMALLEST)) / (hundred.cpuSeconds - base.cpuSeconds)).toFixed(2)} ×`;
}

const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [SMALLEST, 100, 500];
const circumstances = new Circumstances();
const found = new Map<number, Measured>();
for (const size of sizes) found.set(size, await previewOf(size));

const rows = [...found].map(([size, measured]) => {
  const official = OFFICIAL.preview[size];
  const goal = GOALS[size];
  return [
    String(size),
    seconds(measured.seconds),
    goal === undefined ? "" : seconds(goal),
    seconds(measured.cpuSeconds),
    ofLinear(size),
    official === undefined ? "" : `${(measured.seconds / official).toFixed(2)} ×`,
  ];
});
const headers = ["SERVERS", "PREVIEW", "GOAL", "PROCESSOR TIME", "PER SERVER, OF LINEAR", "OFFICIAL, BARE CONTAINERS"];
console.log(table(headers, rows));

if (given.length === 0) {
  const twenty = await withDocker(unchangedTwenty);
  const twentyHeaders = ["UP WITHOUT A CHANGE, WITH REFRESH", "TIME", "PROCESSOR TIME", "OFFICIAL, 20 CONTAINERS"];
  const twentyRow = [
    "20 servers and their gateway",
    seconds(twenty.seconds),
    seconds(twenty.cpuSeconds),
    `${(twenty.seconds / OFFICIAL.twenty).toFixed(2)} ×`,
  ];
  console.log(table(twentyHeaders, [twentyRow]));
  await writeResult("preview", "npm run bench:preview", circumstances, [
    "# Preview of a large estate",
    `\`npm run preview\` of an estate that is not deployed, against a fake Docker API; the fastest of ${RUNS} runs. A
server here is a container with its limits, watch and secrets, an image, a network and volumes; the official engine and
plugins were recorded with one bare container each.`,
    markdownTable(headers, rows),
    `An update without a change of ${TWENTY} real servers, against the official ${OFFICIAL.twenty} s for 20 bare containers
with a ProcessLimit each; the engine alone, without the wait for health.`,
    markdownTable(twentyHeaders, [twentyRow]),
    `Where the host is busy with other things, wall times say as much about those; processor time does not. "Of linear" is
what one more server costs in processor time, against what it costs between ${SMALLEST} and 100 servers.`,
  ]);
}
