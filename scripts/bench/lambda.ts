/**
 * `npm run bench:lambda`: two hundred seeded runs of a stack at a stand-in of Lambda's API that loses, refuses and delays, under the
 * real engine, which is killed in half of them. The same as the thirty of `npm test`. Writes docs/results/lambda.md.
 *
 * `npm run bench:lambda -- [--runs 200] [--seed 1]`
 */
import { parseArgs } from "node:util";
import { FaultRuns, type FaultRun } from "../../test/lambda/faultRun.ts";
import { prepareEngine } from "../lib/prepare.ts";
import { main } from "../lib/main.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";
import { dirname } from "node:path";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "200" }, seed: { type: "string", default: "1" } },
});

await main(async () => {
  const [count, first] = [Number(values.runs), Number(values.seed)];
  const { engine } = await prepareEngine({ stack: "test", onMissingPassphrase: "leaveUnset" });
  process.env["PATH"] = `${dirname(engine.file)}:${process.env["PATH"] ?? ""}`;
  const circumstances = new Circumstances();
  const all: FaultRun[] = [];
  const runs = await FaultRuns.create();
  try {
    for (let seed = first; seed < first + count; seed++) {
      const run = await runs.run(seed);
      console.log(
        `${all.push(run)} of ${count}: seed ${seed}, ${run.kind}, ${run.tries} commands, ${run.launches} launches`,
      );
    }
  } finally {
    await runs.dispose();
  }
  const kinds = ["faults", "killed", "killed and given up"] as const;
  const rows = kinds.map((kind) => {
    const own = all.filter((run) => run.kind === kind);
    const sum = (key: "tries" | "requests" | "launches") => own.reduce((total, run) => total + run[key], 0);
    return [kind, own.length, sum("tries"), sum("requests"), sum("launches")];
  });
  await writeResult("lambda", "npm run bench:lambda", circumstances, [
    "# Instances at Lambda, whatever goes wrong",
    `Seeds ${first} to ${first + count - 1}. Each run deploys two instances, a key, a firewall rule and two rulesets, and takes them away; 4 % each of the requests are lost, answered without being heard, refused for haste or answered with 502; 15 % of the launches are refused for capacity, 10 % of the instances come up unhealthy, and the account's list is up to 100 ms late. In no run an instance was left, two of one name were billed at once, or one of somebody else's was touched.`,
    markdownTable(["RUNS", "COUNT", "COMMANDS", "REQUESTS", "LAUNCHES"], rows),
  ]);
  return 0;
});
