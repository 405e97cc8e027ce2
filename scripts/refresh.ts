/** `npm run refresh`: writes what is really there into the stack's state. */
import { runAttached } from "./lib/exec.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { withStack } from "./lib/settings/withStack.ts";
import { stackArgs } from "./lib/stackHosts.ts";

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes"]);
  const unasked = flags.has("yes") || !process.stdin.isTTY ? ["--yes"] : [];
  return withStack({ stack, flags }, ({ prepared: { engine, env }, args }) =>
    runAttached(engine.file, ["refresh", "--stack", stack, ...args, ...unasked, ...rest], { cwd: projectDir, env }),
  );
});
