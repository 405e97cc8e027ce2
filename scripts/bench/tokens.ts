/**
 * Ten thousand requests with tokens that are wrong, expired, truncated, without a scope, or that replay another caller's
 * session, while another caller works. Writes docs/results/tokens.md and fails when one got in.
 *
 * `npm run bench:tokens -- [--requests 10000]`
 */
import { parseArgs } from "node:util";
import { Circumstances, markdownTable, writeResult } from "./results.ts";
import { runTokens } from "./tokensRun.ts";

const QUIET_MS = 3000;
const { values } = parseArgs({ options: { requests: { type: "string", default: "10000" } } });

const circumstances = new Circumstances();
const { kinds, gotIn, failed, ...figures } = await runTokens(Number(values.requests), QUIET_MS);
const ratio = figures.p95During / figures.p95Before;
await writeResult("tokens", "npm run bench:tokens", circumstances, [
  "# What bad tokens do",
  `${values.requests} requests over eight connections, as fast as they are answered, after as many to warm up. Calls of them that reached a tool: ${gotIn}.`,
  markdownTable(
    ["token", "answers by HTTP status"],
    kinds.map(({ kind, statuses }) => [
      kind,
      Object.entries(statuses)
        .map(([status, count]) => `${status}: ${count}`)
        .join(", "),
    ]),
  ),
  `Another caller meanwhile, one call after the other: ${failed} of its calls failed; its p95 was ${figures.p95Before.toFixed(1)} ms alone and ${figures.p95During.toFixed(1)} ms under it (${ratio.toFixed(1)} times; the target is 200 ms). All of it shares the processors named above.`,
  `Resident memory of the gateway: ${figures.rssMiBBefore.toFixed(1)} → ${figures.rssMiBAfter.toFixed(1)} MiB.`,
]);
console.log({ kinds, gotIn, failed, ...figures });
process.exit(gotIn === 0 ? 0 : 1);
