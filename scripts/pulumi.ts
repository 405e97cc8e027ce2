/** `npm run pulumi -- ANY ARGUMENTS`: the engine with this project's environment, on this terminal. */
import { parseArgs } from "./lib/args.ts";
import { runAttached } from "./lib/exec.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { reachHosts } from "./lib/stackHosts.ts";

await main(async () => {
  const args = process.argv.slice(2);
  const { stack } = parseArgs(args);
  // Most of what the engine is asked for here asks no Docker.
  reachHosts(stack);
  const { engine, env } = await prepareEngine({ stack, onMissingPassphrase: "leaveUnset" });
  return runAttached(engine.file, args, { cwd: projectDir, env });
});
