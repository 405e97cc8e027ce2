/**
 * `npm run ci:drift -- --stack NAME`: looks for drift and tells it in an issue, one for each stack: opens it, keeps it up
 * to date, closes it when nothing is left. Outside of a workflow it prints. Exit code 2 when there is drift.
 */
import { requireDurableState } from "../lib/ci/durableState.ts";
import { driftIssue, driftMarker } from "../lib/ci/driftIssue.ts";
import { GitHub } from "../lib/ci/github.ts";
import { sayer } from "../lib/log.ts";
import { look } from "../lib/look.ts";
import { main } from "../lib/main.ts";
import { driftTable } from "../lib/report.ts";
import { withStack } from "../lib/settings/withStack.ts";
import { stackArgs } from "../lib/stackHosts.ts";

const DRIFTED = 2;

await main(async () => {
  const { stack, rest } = stackArgs(process.argv.slice(2), ["yes"]);
  requireDurableState();
  const { drift } = await withStack({ stack, flags: new Set(["yes"]) }, ({ prepared, args }) =>
    look(prepared, stack, [...args, ...rest]),
  );
  process.stdout.write(`${driftTable(drift)}\n`);
  const say = sayer("issue");
  const github = GitHub.ofWorkflow();
  if (!github) return drift.length === 0 ? 0 : DRIFTED;
  if (drift.length === 0) {
    if (await github.closeIssue(driftMarker(stack), "What runs is what was deployed.")) say("closed: nothing is left");
    return 0;
  }
  const { title, body } = driftIssue(stack, drift);
  say(`${await github.issue(driftMarker(stack), title, body)}: ${title}`);
  return DRIFTED;
});
