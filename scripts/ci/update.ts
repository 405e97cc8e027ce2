/**
 * `npm run ci:update -- --stack NAME`: `npm run up` for a workflow, without anybody to ask; refuses state that would be
 * lost with the checkout.
 */
import { requireDurableState } from "../lib/ci/durableState.ts";
import { runAttached } from "../lib/exec.ts";
import { main } from "../lib/main.ts";
import { projectDir } from "../lib/paths.ts";

await main(() => {
  requireDurableState();
  return runAttached("sh", ["scripts/run", "up", "--yes", ...process.argv.slice(2)], { cwd: projectDir });
});
