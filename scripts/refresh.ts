/** `npm run refresh`: writes what is really there into the stack's state. */
import { parseArgs } from "./lib/args.ts";
import { getReady } from "./lib/deploy.ts";
import { runAttached } from "./lib/exec.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const { engine, env } = await getReady({ stack, flags });
  const unasked = flags.has("yes") || !process.stdin.isTTY ? ["--yes"] : [];
  return runAttached(engine.file, ["refresh", "--stack", stack, ...unasked, ...rest], { cwd: projectDir, env });
});
