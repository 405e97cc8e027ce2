/**
 * A hundred thousand hostile bodies, headers, bytes and lines of a server against gateway and supervisor: no crash, no
 * leak, no 200 for an error. Writes docs/results/fuzz.md and fails at the first that got through.
 *
 * `npm run bench:fuzz -- [--runs 100000] [--seed N]`
 */
import { parseArgs } from "node:util";
import { runFuzz } from "./fuzzRun.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "100000" }, seed: { type: "string" } } });
const seed = Number(values.seed ?? Date.now() % 2 ** 31);

const circumstances = new Circumstances();
console.log(`seed ${seed}`);
const { statuses, ...figures } = await runFuzz(Number(values.runs), seed);
const { bodies, executes, lines, raw } = figures;
await writeResult("fuzz", "npm run bench:fuzz", circumstances, [
  "# What hostile input does",
  `Seed ${seed}. Nothing got through: no crash, no success for what was none, and after each part a new session got a right answer.`,
  markdownTable(
    ["input", "runs"],
    [
      ["bodies and headers to `/servers/NAME/mcp`", bodies],
      ["bodies to `/execute`", executes],
      ["lines that a server prints before its answer", lines],
      ["bytes on the socket of gateway or supervisor", raw],
    ],
  ),
  `Answers by status: ${Object.entries(statuses)
    .map(([status, count]) => `${status}: ${count}`)
    .join(", ")}.`,
  `Processes ${figures.processesBefore} → ${figures.processesAfter}, descriptors ${figures.filesBefore} → ${figures.filesAfter}.`,
]);
console.log({ ...figures, statuses });
process.exit(figures.processesAfter === figures.processesBefore ? 0 : 1);
