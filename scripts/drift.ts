/**
 * `npm run drift`: what in the world is not as it was deployed. Exit code 0: nothing, 2: the printed list, 1: it could
 * not be found out. For a schedule; `--json` prints the list for programs, `--metrics FILE.prom` writes drift and orphans
 * for node exporter's textfile collector.
 */
import { takeOption } from "./lib/args.ts";
import { findOrphans } from "./lib/drift.ts";
import { ownerOf } from "./lib/leftOvers.ts";
import { observe } from "./lib/look.ts";
import { main } from "./lib/main.ts";
import { driftMetrics, writeTextfile } from "./lib/metrics.ts";
import { projectDir } from "./lib/paths.ts";
import { driftTable } from "./lib/report.ts";
import { withStack } from "./lib/settings/withStack.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

const DRIFTED = 2;

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "json"]);
  const file = takeOption(rest, "metrics");
  const { drift, steps, failure } = await withStack({ stack, flags }, ({ prepared, args }) =>
    observe(prepared, stack, [...args, ...rest]),
  );
  if (file !== undefined) {
    const found = failure === undefined ? { drift, orphans: findOrphans(steps) } : undefined;
    writeTextfile(file, await driftMetrics(ownerOf(projectDir, stack), found));
  }
  if (failure !== undefined) throw new UserError(`the preview of stack "${stack}" failed:\n${failure}`);
  process.stdout.write(`${flags.has("json") ? JSON.stringify(drift, null, 2) : driftTable(drift)}\n`);
  return drift.length === 0 ? 0 : DRIFTED;
});
