/**
 * `npm run backup -- [VOLUME…]`: encrypted backups of the stack's data volumes and of its state, each restored for a test
 * before it counts; of some volumes alone when they are named, of the state alone with `--state`. `--to DIR` (or
 * MCP_ESTATE_BACKUPS) says where, `--keep N` how many stay.
 */
import { namesOnly, takeOption } from "./lib/args.ts";
import { backupVolume } from "./lib/backup/backup.ts";
import { backupCommand, keepOf, volumeCommand, type BackupCommand } from "./lib/backup/command.ts";
import { dataVolumes, selectVolumes } from "./lib/backup/dataVolumes.ts";
import { backupKey, type BackupKey } from "./lib/backup/key.ts";
import { withStack, withVolumes } from "./lib/backup/mend.ts";
import { backupState } from "./lib/backup/state.ts";
import { statePlace } from "./lib/backup/stateFiles.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { requireStackFile } from "./lib/stackFile.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "state"]);
  const to = takeOption(rest, "to");
  const keep = keepOf(takeOption(rest, "keep"));
  const names = namesOnly(rest, "--stack, --state, --to DIR and --keep N");
  const stateAlone = flags.has("state");
  if (stateAlone && names.length > 0)
    throw new UserError("--state is of the state alone; leave out the names of volumes");
  requireStackFile(projectDir, stack);
  const key = await backupKey("make");
  const sayKey = ({ say }: BackupCommand) =>
    key.isNew && say(`made the key ${key.file}: keep a copy elsewhere, without it no backup can be opened`);
  if (stateAlone) {
    const command = backupCommand(stack, to);
    sayKey(command);
    return withStack(command, () => ofState(command, key, keep));
  }
  const command = await volumeCommand(stack, { to });
  const { owner, root, say } = command;
  sayKey(command);
  return withVolumes(command, async (signal) => {
    const volumes = selectVolumes(owner, await dataVolumes(command), names);
    for (const volume of volumes) await backupVolume({ ...command, key, keep, signal }, volume);
    say(volumes.length === 0 ? `stack "${stack}" has no data volume` : `${volumes.length} backups in ${root}`);
    return names.length > 0 ? 0 : ofState(command, key, keep);
  });
});

async function ofState(command: BackupCommand, key: BackupKey, keep: number): Promise<number> {
  const { owner, say } = command;
  const made = await backupState({ ...command, key, keep }, statePlace(owner, projectDir));
  if (!made) say(`stack "${owner.stack}" has no state on this machine: nothing of it to back up`);
  return 0;
}
