/**
 * `npm run preview`: what was changed by hand and what `npm run up` would do, in words. Changes nothing of the estate.
 * With `--diff` or `--json` the engine's own output.
 */
import { parseArgs } from "./lib/args.ts";
import { getReady } from "./lib/deploy.ts";
import { runAttached } from "./lib/exec.ts";
import { look } from "./lib/look.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { changesTable, driftTable } from "./lib/report.ts";

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const ready = await getReady({ stack, flags });
  if (rest.includes("--diff") || rest.includes("--json")) {
    return runAttached(ready.engine.file, ["preview", "--stack", stack, ...rest], { cwd: projectDir, env: ready.env });
  }
  const { drift, changes } = await look(ready, stack, rest);
  process.stdout.write(`${driftTable(drift)}\n\n`);
  process.stdout.write(`${changesTable(changes, '"npm run up"')}\n`);
  return 0;
});
