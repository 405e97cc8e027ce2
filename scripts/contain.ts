/**
 * `npm run contain`: stops all failing servers at once, or `-- NAME…` these. It lasts until `npm run contain -- --release`
 * or the next `npm run up`, which decides by the settings. Needs Docker alone, neither gateway nor engine. Exit code 1
 * when something could not be contained.
 */
import { namesOnly } from "./lib/args.ts";
import { contain, release, type Contained } from "./lib/contain/contain.ts";
import { dockerClient, dockerFault } from "./lib/docker.ts";
import { ownerOf } from "./lib/leftOvers.ts";
import { table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { requireStackFile } from "./lib/stackFile.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["release"]);
  const names = namesOnly(rest, "--stack and --release");
  requireStackFile(projectDir, stack);
  const fault = await dockerFault();
  if (fault) throw new UserError(`Docker does not answer, so nothing can be contained: ${fault.message}`);
  const releasing = flags.has("release");
  const rows = await (releasing ? release : contain)(dockerClient(), ownerOf(projectDir, stack), names);
  process.stdout.write(`${report(rows, stack, releasing)}\n`);
  return rows.some(({ done }) => done.startsWith("NOT")) ? 1 : 0;
});

function report(rows: readonly Contained[], stack: string, releasing: boolean): string {
  if (rows.length === 0) return releasing ? "Nothing was contained." : "No server is failing: nothing was contained.";
  const lines = rows.map(({ instance, state, why, done }) => [instance, state, done, why]);
  const shown = table(["SERVER", "STATE", "DONE", "WHY"], lines);
  if (releasing) return shown;
  const option = stack === "dev" ? "" : ` --stack ${stack}`;
  return [
    shown,
    "",
    `npm run contain -- --release${option} takes it back. The next npm run up does too: to keep a server out, set its state`,
    "to quarantined in the settings first.",
  ].join("\n");
}
