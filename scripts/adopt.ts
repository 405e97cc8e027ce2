/**
 * `npm run adopt -- CONTAINER…`: takes containers that were started by hand into the stack, with their data and networks.
 * Writes their entries into Pulumi.STACK.yaml, takes them into the state, and deploys: each is started anew once, on the
 * same data, with the stack's limits. What an entry cannot hold is named first and needs `--accept-losses`. `--as NAME`
 * gives one another name in the settings; `--no-up` leaves the deployment to the next `npm run up`.
 */
import { join } from "node:path";
import { planAdoption, type Plan } from "./lib/adopt/plan.ts";
import { writeEntries } from "./lib/adopt/settings.ts";
import { importObjects } from "./lib/adopt/state.ts";
import { namesOnly, takeOption } from "./lib/args.ts";
import { volumeCommand } from "./lib/backup/command.ts";
import { withVolumes } from "./lib/backup/mend.ts";
import { getReady } from "./lib/deploy.ts";
import { runAttached } from "./lib/exec.ts";
import { sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { requireStackFile } from "./lib/stackFile.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "accept-losses", "no-up"]);
  const as = takeOption(rest, "as");
  const names = namesOnly(rest, "--stack, --as NAME, --accept-losses, --no-up and --yes");
  if (names.length === 0) throw new UserError("name the containers to adopt: npm run adopt -- CONTAINER…");
  if (as !== undefined && names.length > 1) throw new UserError("--as names one container; give one");
  const say = sayer("adopt");
  const stackFile = requireStackFile(projectDir, stack);
  const ready = await getReady({ stack, flags });
  const command = await volumeCommand(stack);

  await withVolumes(command, async () => {
    const plan = await planAdoption(command, stackFile, names, as);
    for (const line of plan.notes) say(line);
    refuseLosses(plan, flags.has("accept-losses"));
    // In this order: were it broken off in between, an update would find the name taken, and remove nothing.
    await writeEntries(ready, stack, stackFile, plan.entries);
    say(`wrote ${Object.keys(plan.entries.services).join(", ")} into ${stackFile.file}`);
    await importObjects(ready, stack, command.owner, plan.imports);
    const { containers, networks } = plan.imports;
    say(`took ${containers.length} containers, ${networks.length} networks and their volumes into the state`);
  });
  if (flags.has("no-up")) {
    say("the next npm run up starts them anew, once, with the stack's limits");
    return 0;
  }
  const up = join(projectDir, "scripts/up.ts");
  // No earlier version knows the container: going back to one would remove it.
  const args = ["--no-rollback", ...(flags.has("yes") ? ["--yes"] : [])];
  return runAttached(process.execPath, [up, "--stack", stack, ...args]);
});

function refuseLosses({ losses }: Plan, accepted: boolean): void {
  if (losses.length === 0 || accepted) return;
  const count = losses.length === 1 ? "one thing" : `${losses.length} things`;
  throw new UserError(
    `nothing was changed: ${count} cannot be kept (${losses.join("; ")}); move what you need (data onto a volume), or adopt without it: --accept-losses`,
  );
}
