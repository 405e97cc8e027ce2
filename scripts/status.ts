/**
 * `npm run status`: what runs, on one screen: servers by their last proof, containers with their use and limits, alerts. `--watch`
 * again every 2 s, `--recovered` whether an incident is over (R-OPS-06), `--json` for programs, `--save` keeps it as docs/status.md.
 * Exit code 0: all is as it
 * should be, 2: something is not, 1: it could not be asked.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { namesOnly } from "./lib/args.ts";
import { listsOnly, notToBeHad } from "./lib/catalogue/remarks.ts";
import { sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { requireStackFile } from "./lib/stackFile.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { readFacts, readStack } from "./lib/status/read.ts";
import { saveStatus } from "./lib/status/report.ts";
import { recoveryScreen, screen } from "./lib/status/screen.ts";
import { problems, recovered } from "./lib/status/verdict.ts";

const say = sayer("status");
const NOT_WELL = 2;
const WATCH_MS = 2000;
/** Terminal: home, and clear what is below. */
const REDRAW = "\u001B[H\u001B[J";

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["json", "watch", "recovered", "save"]);
  namesOnly(rest, "--stack, --watch, --recovered, --save and --json");
  requireStackFile(projectDir, stack);
  const deployed = await readStack(await prepareEngine({ stack }), projectDir, stack);
  for (;;) {
    const facts = await readFacts(deployed);
    const conditions = recovered(facts);
    if (flags.has("save")) say(`wrote ${await saveStatus(projectDir, facts, listsOnly, notToBeHad)}`);
    if (flags.has("json"))
      process.stdout.write(`${JSON.stringify({ ...facts, problems: problems(facts), conditions }, null, 2)}\n`);
    else {
      const text = flags.has("recovered") ? recoveryScreen(conditions) : screen(facts);
      process.stdout.write(flags.has("watch") && process.stdout.isTTY ? `${REDRAW}${text}` : text);
    }
    const well = flags.has("recovered") ? conditions.every(({ met }) => met) : problems(facts).length === 0;
    if (!flags.has("watch")) return well ? 0 : NOT_WELL;
    await sleep(WATCH_MS);
  }
});
