/** `npm run preview`: what `npm run up` would change, drift of the world included. Changes nothing of the estate. */
import { parseArgs } from "./lib/args.ts";
import { getReady } from "./lib/deploy.ts";
import { runAttached } from "./lib/exec.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const { engine, env } = await getReady({ stack, flags });
  return runAttached(engine.file, ["preview", "--stack", stack, ...rest], { cwd: projectDir, env });
});
