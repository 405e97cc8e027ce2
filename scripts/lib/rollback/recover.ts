import { isGood, readHistory } from "../history/index.ts";
import { finishDeployment } from "../finish.ts";
import { sayer, table } from "../log.ts";
import type { Prepared } from "../prepare.ts";
import type { UpdateResult } from "../update.ts";
import { messageOf, UserError } from "../userError.ts";
import { rollBack } from "./rollback.ts";

/** A stack trace is for the engine's own output above. */
const MAX_ROWS = 16;

/**
 * After a failed update: goes back, once, to the last version that passed its gate, and says in one table what failed and
 * what runs. An update that changed nothing, or that somebody broke off, is left alone.
 */
export async function recover(prepared: Prepared, stack: string, failed: UpdateResult): Promise<void> {
  const say = sayer("rollback");
  if (failed.brokenOff) return say("the update was broken off; the next npm run up goes on from there");
  if (!failed.touched) return;
  const versions = await readHistory(prepared, stack);
  const version = versions.findLast(isGood);
  if (version === undefined) return say("no earlier version passed its gate: nothing to go back to");
  const number = versions.at(-1)?.number ?? 0;
  say(`version ${number} failed: going back to version ${version.number} of ${version.time.toISOString()}`);
  let end: string;
  try {
    const { code } = await rollBack(prepared, version, { stack, say, reason: `version ${number} failed` });
    if (code !== 0) throw new UserError(`its update ended with ${code}`);
    await finishDeployment(prepared, stack);
    end = `version ${version.number} runs again`;
  } catch (error) {
    end = `version ${version.number} could not be restored: ${messageOf(error)}`;
  }
  process.stdout.write(`\n${summary(failed, end)}\n`);
}

function summary({ failures }: UpdateResult, end: string): string {
  // The engine's own last word, that the update failed, is no reason.
  const reasons = failures.filter(({ resource }) => resource !== "");
  const rows = (reasons.length > 0 ? reasons : failures)
    .flatMap(({ resource, lines }) =>
      lines.map((line, i) => (i === 0 ? ["failed", resource || "the update", line] : ["", "", line])),
    )
    .slice(0, MAX_ROWS);
  return table(["", "WHAT", "WHY"], [...rows, ["now", "the estate", end]]);
}
