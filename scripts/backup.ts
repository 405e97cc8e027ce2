/**
 * `npm run backup -- [VOLUME…]`: encrypted backups of the stack's data volumes, all of them unless some are named, each
 * restored for a test before it counts. `--to DIR` (or MCP_ESTATE_BACKUPS) says where, `--keep N` how many stay.
 */
import { namesOnly, parseArgs, takeOption } from "./lib/args.ts";
import { backupVolume } from "./lib/backup/backup.ts";
import { keepOf, volumeCommand } from "./lib/backup/command.ts";
import { dataVolumes, selectVolumes } from "./lib/backup/dataVolumes.ts";
import { backupKey } from "./lib/backup/key.ts";
import { withVolumes } from "./lib/backup/mend.ts";
import { main } from "./lib/main.ts";

await main(async () => {
  const { stack, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const to = takeOption(rest, "to");
  const keep = keepOf(takeOption(rest, "keep"));
  const names = namesOnly(rest, "--stack, --to DIR and --keep N");
  const command = await volumeCommand(stack, to);
  const { owner, root, say } = command;
  const key = await backupKey("make");
  if (key.isNew) say(`made the key ${key.file}: keep a copy elsewhere, without it no backup can be opened`);
  return withVolumes(command, async (signal) => {
    const volumes = selectVolumes(owner, await dataVolumes(command), names);
    for (const volume of volumes) await backupVolume({ ...command, key, keep, signal }, volume);
    say(volumes.length === 0 ? `stack "${stack}" has no data volume` : `${volumes.length} backups in ${root}`);
    return 0;
  });
});
