/**
 * `npm run down`: ends all containers and networks of the stack. Volumes stay unless --volumes, which backs them up first
 * unless --no-backup; images stay unless --images.
 */
import type { CommandArgs } from "./lib/args.ts";
import { backupVolume } from "./lib/backup/backup.ts";
import { KEPT_BACKUPS, volumeCommand, type VolumeCommand } from "./lib/backup/command.ts";
import { dataVolumes, type DataVolume } from "./lib/backup/dataVolumes.ts";
import { isProtected } from "./lib/backup/guard.ts";
import { backupKey } from "./lib/backup/key.ts";
import { withVolumes } from "./lib/backup/mend.ts";
import { runAttached } from "./lib/exec.ts";
import { leftOvers, removeImages, removeVolumes } from "./lib/leftOvers.ts";
import { sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { declaredNames } from "./lib/services.ts";
import { withStack, type ReadyStack } from "./lib/settings/withStack.ts";
import { networksInUse, protectNetworks } from "./lib/sharedNetworks.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "volumes", "images", "no-backup"]);
  // What ends needs no values.
  return withStack({ stack, flags, missing: "fill" }, (ready) => takeDown(ready, { stack, flags, rest }));
});

async function takeDown(ready: ReadyStack, { stack, flags, rest }: CommandArgs): Promise<number> {
  const { prepared, stackFile } = ready;
  if (flags.has("volumes") && isProtected(stackFile)) {
    throw new UserError(
      `the data volumes of stack "${stack}" are protected and stay: to remove them, set mcp-estate:volumes.protect to false in the place that gives it (the stack file, or its environment), npm run up, then npm run down -- --volumes`,
    );
  }
  const command = await volumeCommand(stack, { stackFile: ready.configFile });
  const { docker, owner } = command;
  return withVolumes(command, async (signal) => {
    const unasked = flags.has("yes") || !process.stdin.isTTY ? ["--yes", "--skip-preview"] : [];
    const shared = await networksInUse(docker, owner, declaredNames(stackFile, "networks", owner));
    await protectNetworks(prepared, stack, owner, shared);
    // The engine would refuse the whole for the sake of the volumes, which stay anyway.
    const except = isProtected(stackFile) || shared.length > 0 ? ["--exclude-protected"] : [];
    const args = ["destroy", "--stack", stack, ...ready.args, "--suppress-outputs", ...unasked, ...except, ...rest];
    const code = await runAttached(prepared.engine.file, args, { cwd: projectDir, env: prepared.env });
    if (code !== 0) return code;

    const say = sayer("down");
    if (flags.has("volumes")) {
      // Only now, when nobody writes any more.
      const volumes = await dataVolumes(command);
      if (!flags.has("no-backup")) await backUpAll(command, volumes, signal);
      const names = volumes.map(({ name }) => name);
      say(`removed ${await removeVolumes(docker, owner, names)} volumes`);
    }
    if (flags.has("images")) say(`removed ${await removeImages(docker, owner)} images`);

    const left = await leftOvers(docker, owner);
    const kept = shared.map(({ dockerName }) => `network ${dockerName}`);
    const undestroyed = [...left.containers, ...left.networks].filter((object) => !kept.includes(object));
    if (undestroyed.length > 0) {
      throw new UserError(
        `stack "${stack}" is destroyed, and these with its label are still there: ${undestroyed.join(", ")}; they are not in its state, remove them with docker rm -f or docker network rm`,
      );
    }
    for (const { dockerName, user } of shared) {
      say(`network ${dockerName} stays: container ${user} is on it, which is not this stack's`);
    }
    say(shared.length > 0 ? "no container left" : "no container and no network left");
    if (left.volumes.length > 0) say(`${left.volumes.length} volumes keep their data (--volumes removes them)`);
    if (left.images.length > 0) say(`${left.images.length} images stay for the next up (--images removes them)`);
    return 0;
  });
}

/** @throws UserError when one cannot be made; no volume is removed then. */
async function backUpAll(command: VolumeCommand, volumes: readonly DataVolume[], signal: AbortSignal): Promise<void> {
  if (volumes.length === 0) return;
  const key = await backupKey("make");
  for (const volume of volumes) await backupVolume({ ...command, key, keep: KEPT_BACKUPS, signal }, volume);
}
