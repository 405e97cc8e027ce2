/**
 * `npm run ci:update -- --stack NAME`: `npm run up` for a workflow, without anybody to ask, and a backup of the state after
 * it. Refuses state that would be lost with the checkout.
 */
import { requireDurableState } from "../lib/ci/durableState.ts";
import { runAttached } from "../lib/exec.ts";
import { main } from "../lib/main.ts";
import { projectDir } from "../lib/paths.ts";
import { stackArgs } from "../lib/stackHosts.ts";

await main(async () => {
  const { stack, rest } = stackArgs(process.argv.slice(2), ["yes"]);
  requireDurableState();
  const run = (...args: string[]) => runAttached("sh", ["scripts/run", ...args], { cwd: projectDir });
  const code = await run("up", "--yes", "--stack", stack, ...rest);
  return code === 0 ? run("backup", "--state", "--stack", stack) : code;
});
