/** `npm run down`: ends all containers and networks of the stack. Volumes stay unless --volumes, images unless --images. */
import { parseArgs } from "./lib/args.ts";
import { getReady } from "./lib/deploy.ts";
import { dockerClient } from "./lib/docker.ts";
import { runAttached } from "./lib/exec.ts";
import { leftOvers, removeImages, removeVolumes } from "./lib/leftOvers.ts";
import { sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { projectName } from "./lib/projectName.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes", "volumes", "images"]);
  const { engine, env } = await getReady({ stack, flags });
  const unasked = flags.has("yes") || !process.stdin.isTTY ? ["--yes", "--skip-preview"] : [];
  const args = ["destroy", "--stack", stack, "--suppress-outputs", ...unasked, ...rest];
  const code = await runAttached(engine.file, args, { cwd: projectDir, env });
  if (code !== 0) return code;

  const say = sayer("down");
  const docker = dockerClient();
  const owner = { estate: projectName(projectDir), stack: stack.split("/").at(-1) ?? stack };
  if (flags.has("volumes")) say(`removed ${await removeVolumes(docker, owner)} volumes`);
  if (flags.has("images")) say(`removed ${await removeImages(docker, owner)} images`);

  const left = await leftOvers(docker, owner);
  const undestroyed = [...left.containers, ...left.networks];
  if (undestroyed.length > 0) {
    throw new UserError(
      `stack "${stack}" is destroyed, and these with its label are still there: ${undestroyed.join(", ")}; they are not in its state, remove them with docker rm -f or docker network rm`,
    );
  }
  say("no container and no network left");
  if (left.volumes.length > 0) say(`${left.volumes.length} volumes keep their data (--volumes removes them)`);
  if (left.images.length > 0) say(`${left.images.length} images stay for the next up (--images removes them)`);
  return 0;
});
