/**
 * `npm run bench:swarm`: the Sophia estate on a swarm of three clean nodes of a lab: how long it takes from the images to
 * answers, what a change costs while it is called, and how soon the tasks of a lost node are back. Writes
 * docs/results/swarm.md; fails when the deployment takes longer than promised (R-SLO-04) or a call is lost.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setSecret } from "../../test/e2e/secretSetting.ts";
import { exampleConfig, SwarmEstate } from "../../test/swarm/swarmEstate.ts";
import { duration, table } from "../lib/log.ts";
import { main } from "../lib/main.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";
import { withDocker } from "./withDocker.ts";

const GOAL_MS = 600_000;
const SETTING = "mcp-estate:servers.everything.secretEnv.TOKEN_OF_A_BENCHMARK";
const CALLS = [
  { server: "everything", tool: "echo", arguments: { message: "hello" } },
  { server: "ai-memory", tool: "search_nodes", arguments: { query: "nothing" } },
];
const HEADERS = ["WHAT", "TOOK", "CALLS", "LOST", "LONGEST"];

const swarm = new SwarmEstate("benchswarm", { hosts: 3, managers: 3, config: exampleConfig("sophia") });
const { estate, lab } = swarm;
const rows: string[][] = [];
let lost = 0;

async function timed(what: string, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  const took = performance.now() - began;
  rows.push([what, duration(took), "", "", ""]);
  return took;
}

async function underLoad(what: string, work: () => Promise<unknown>, hosts = lab.hosts): Promise<void> {
  const calls = hosts.length === lab.hosts.length ? CALLS : CALLS.slice(1);
  const timedWork = async () => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const { result, report } = await swarm.underLoad(timedWork, { hosts, calls });
  lost += report.lost.length;
  rows.push([what, duration(result), String(report.calls), String(report.lost.length), `${report.longestMs} ms`]);
}

const up = () => estate.succeed("up", ["--yes"]);

/** @returns milliseconds of the first deployment. */
async function measure(): Promise<number> {
  const deployed = await timed("`up`: images copied to three clean nodes, five services, smoke gate", up);
  await timed("`up` without a change", () => estate.succeed("up", ["--yes", "--expect-no-changes"]));
  await timed("`preview`", () => estate.succeed("preview"));
  await setSecret(estate, SETTING, "first");
  await timed("`up` with a secret more", up);
  await setSecret(estate, SETTING, "second");
  await underLoad("`up` with another value of the secret", up);
  appendFileSync(join(estate.folder, "runtime/supervisor/main.ts"), "// another\n");
  appendFileSync(join(estate.folder, "runtime/gateway/main.ts"), "// another\n");
  await underLoad("`up` with another supervisor and gateway, images built", up);
  const victim = lab.host(3);
  const others = lab.hosts.filter((host) => host !== victim);
  let figures = { seenMs: 0, backMs: 0 };
  await underLoad("a manager of three is killed", async () => (figures = await swarm.lose(victim)), others);
  rows.push(["– until the swarm saw its loss", duration(figures.seenMs), "", "", ""]);
  rows.push(["– from then until its tasks ran elsewhere", duration(figures.backMs), "", "", ""]);
  return deployed;
}

await main(async () => {
  const circumstances = new Circumstances();
  const deployed = await withDocker(async () => {
    try {
      await swarm.create();
      return await measure();
    } finally {
      await swarm.dispose();
    }
  });
  console.log(table(HEADERS, rows));
  await writeResult("swarm", "npm run bench:swarm", circumstances, [
    "# The Sophia estate on a swarm of three nodes",
    "Three Docker hosts in network namespaces of one machine, so that all nodes share its processors. Calls: 50 a second, to " +
      `the edges of all nodes that are there, in turn. The goal of the first deployment is ${duration(GOAL_MS)}.`,
    markdownTable(HEADERS, rows),
  ]);
  return deployed < GOAL_MS && lost === 0 ? 0 : 1;
});
