/**
 * `npm run ci:preview -- --stack NAME [--to FILE] [--placeholders]`: previews a stack for a pull request. Prints the comment, or writes what
 * it found to FILE for `npm run ci:comment`. Exit code 1 when the update is refused, after writing.
 */
import { writeFileSync } from "node:fs";
import { takeOption } from "../lib/args.ts";
import { requireDurableState } from "../lib/ci/durableState.ts";
import { isRefused, previewComment } from "../lib/ci/previewComment.ts";
import { previewStack } from "../lib/ci/stackPreview.ts";
import { revision } from "../lib/ci/revision.ts";
import { main } from "../lib/main.ts";
import { projectDir } from "../lib/paths.ts";
import { requireStackFile } from "../lib/stackFile.ts";
import { stackArgs } from "../lib/stackHosts.ts";

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "placeholders"]);
  const to = takeOption(rest, "to");
  requireStackFile(projectDir, stack);
  requireDurableState();
  const preview = await previewStack(stack, rest, flags.has("placeholders"));
  if (to !== undefined) writeFileSync(to, `${JSON.stringify(preview, null, 2)}\n`);
  process.stdout.write(previewComment([preview], revision()));
  return isRefused(preview) ? 1 : 0;
});
