/**
 * `npm run drift`: what in the world is not as it was deployed. Exit code 0: nothing, 2: the printed list, 1: it could
 * not be found out. For a schedule; `--json` prints the list for programs.
 */
import { parseArgs } from "./lib/args.ts";
import { getReady } from "./lib/deploy.ts";
import { look } from "./lib/look.ts";
import { main } from "./lib/main.ts";
import { driftTable } from "./lib/report.ts";

const DRIFTED = 2;

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes", "json"]);
  const { drift } = await look(await getReady({ stack, flags }), stack, rest);
  process.stdout.write(`${flags.has("json") ? JSON.stringify(drift, null, 2) : driftTable(drift)}\n`);
  return drift.length === 0 ? 0 : DRIFTED;
});
