/**
 * `npm run history`: what was deployed when, from what, and whether it passed its gate; `npm run rollback -- VERSION` goes
 * back there. `--all` shows more than the last 20, `--json` is for programs.
 */
import { namesOnly, parseArgs } from "./lib/args.ts";
import { historyTable, SHOWN } from "./lib/history/table.ts";
import { gateInWords, readHistory } from "./lib/history/index.ts";
import { main } from "./lib/main.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { requireStackFile } from "./lib/stackFile.ts";
import { projectDir } from "./lib/paths.ts";

await main(async () => {
  const { stack, flags, rest: names } = parseArgs(process.argv.slice(2), ["all", "json"]);
  namesOnly(names, "--stack, --all and --json");
  requireStackFile(projectDir, stack);
  const versions = await readHistory(await prepareEngine({ stack }), stack);
  if (flags.has("json")) {
    const rows = versions.map((version) => {
      const { config: _config, ...rest } = version; // it may hold encrypted values, which are nobody's business
      return { ...rest, gate: gateInWords(version) };
    });
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  } else if (versions.length === 0) {
    process.stdout.write(`Stack "${stack}" was never deployed from here.\n`);
  } else {
    process.stdout.write(`${historyTable(versions, flags.has("all") ? versions.length : SHOWN)}\n`);
  }
  return 0;
});
