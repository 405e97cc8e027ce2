/**
 * `npm run rollback -- [VERSION]`: deploys an earlier version again, by default the last that passed its gate and is not
 * what runs. Volumes keep today's data. `--dry-run` says what it would do and changes nothing.
 */
import { namesOnly } from "./lib/args.ts";
import { finishDeployment } from "./lib/finish.ts";
import { differences, programInWords, readHistory } from "./lib/history/index.ts";
import { duration, sayer } from "./lib/log.ts";
import { look } from "./lib/look.ts";
import { main } from "./lib/main.ts";
import { changesTable } from "./lib/report.ts";
import { chooseVersion } from "./lib/rollback/choose.ts";
import { comparison, rollBack, withVersion } from "./lib/rollback/rollback.ts";
import { withStack } from "./lib/settings/withStack.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const started = Date.now();
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "dry-run"]);
  const [wanted, ...more] = namesOnly(rest, "--stack, --dry-run and --yes");
  if (more.length > 0) throw new UserError(`one version, please: got ${[wanted, ...more].join(", ")}`);
  const say = sayer("rollback");
  // The version has its values; today's serve the engine's own variables alone.
  return withStack({ stack, flags, missing: "fill" }, async ({ prepared }) => {
    const versions = await readHistory(prepared, stack);
    const version = chooseVersion(versions, stack, wanted);
    const now = versions.findLast(({ release }) => release !== undefined);
    const differing = differences(version, now ?? version).join(", ") || "nothing";
    say(
      `to version ${version.number} of ${version.time.toISOString()}, ${programInWords(version.release)}; differs in: ${differing}`,
    );

    if (flags.has("dry-run")) {
      return withVersion(prepared, version, { stack, say, args: [] }, async ({ program, configFile }) => {
        const { changes } = await look(prepared, stack, ["--config-file", configFile], program);
        process.stdout.write(`${changesTable(changes, "This rollback")}\n`);
        return 0;
      });
    }
    const { code } = await rollBack(prepared, version, { stack, say });
    if (code !== 0) return code;
    const outputs = await finishDeployment(prepared, stack);
    const { equal, text } = comparison(version.release, outputs?.release);
    process.stdout.write(
      `\n${text}\n\nVersion ${version.number} runs again after ${duration(Date.now() - started)}.\n`,
    );
    process.stdout.write(
      `The stack file and the program in this folder are as they were: the next npm run up deploys those again.\n`,
    );
    if (equal) return 0;
    throw new UserError(`what runs is not what version ${version.number} recorded; see the table`);
  });
});
