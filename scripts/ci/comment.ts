/**
 * `npm run ci:comment -- FILE… [--pull-request N]`: one comment from the findings of `npm run ci:preview -- --to FILE`.
 * In a workflow it is written to the pull request, the same one each time; elsewhere it is printed.
 */
import { readFileSync } from "node:fs";
import { namesOnly, takeOption } from "../lib/args.ts";
import { GitHub } from "../lib/ci/github.ts";
import { PREVIEW_MARKER, previewComment } from "../lib/ci/previewComment.ts";
import { revision } from "../lib/ci/revision.ts";
import { stackPreviewSchema, type StackPreview } from "../lib/ci/stackPreview.ts";
import { sayer } from "../lib/log.ts";
import { main } from "../lib/main.ts";
import { messageOf, UserError } from "../lib/userError.ts";

await main(async () => {
  const words = process.argv.slice(2);
  const number = takeOption(words, "pull-request");
  const files = namesOnly(words, "--pull-request N");
  if (files.length === 0) throw new UserError("name the files that npm run ci:preview -- --to FILE has written");
  const comment = previewComment(files.map(readPreview), revision());
  const github = GitHub.ofWorkflow();
  if (number === undefined || github === undefined) {
    process.stdout.write(comment);
    return 0;
  }
  if (!/^[1-9]\d*$/.test(number)) throw new UserError(`--pull-request got "${number}"; allowed is its number`);
  sayer("comment")(`${await github.comment(Number(number), PREVIEW_MARKER, comment)} on pull request ${number}`);
  return 0;
});

/** Written by a job that ran the pull request's own code: nothing in it is taken on trust. */
function readPreview(file: string): StackPreview {
  try {
    return stackPreviewSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new UserError(`${file} holds no findings of npm run ci:preview: ${messageOf(error).split("\n")[0] ?? ""}`);
  }
}
