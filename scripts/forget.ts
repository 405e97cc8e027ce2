/**
 * `npm run forget -- VOLUME…`: removes data volumes by name, each after a backup that was restored for a test. For what
 * `npm run preview` reports as left over. A volume that a container mounts is refused.
 */
import { namesOnly, parseArgs, takeOption } from "./lib/args.ts";
import { backupVolume } from "./lib/backup/backup.ts";
import { keepOf, volumeCommand } from "./lib/backup/command.ts";
import { dataVolumes, selectVolumes, usersOf } from "./lib/backup/dataVolumes.ts";
import { backupKey } from "./lib/backup/key.ts";
import { withVolumes } from "./lib/backup/mend.ts";
import { main } from "./lib/main.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const to = takeOption(rest, "to");
  const keep = keepOf(takeOption(rest, "keep"));
  const names = namesOnly(rest, "--stack, --to DIR and --keep N");
  if (names.length === 0) throw new UserError("name the volumes to remove: npm run forget -- VOLUME…");
  const command = await volumeCommand(stack, { to });
  const { docker, owner, say } = command;
  const key = await backupKey("make");
  return withVolumes(command, async (signal) => {
    const volumes = selectVolumes(owner, await dataVolumes(command), names);
    for (const { name } of volumes) {
      const [user] = await usersOf(docker, name);
      if (user) {
        throw new UserError(
          `volume ${name} is mounted by container ${user.Names[0]?.slice(1) ?? user.Id} and stays; take its server out of the settings and run npm run up first`,
        );
      }
    }
    for (const volume of volumes) {
      const { time } = await backupVolume({ ...command, key, keep, signal }, volume);
      await docker.getVolume(volume.name).remove();
      say(
        `${volume.name} is removed; npm run restore -- --stack ${stack} ${volume.name} --from ${time} brings it back`,
      );
    }
    return 0;
  });
});
