/**
 * `npm run recover`: brings an estate back of which only the backups and their key are left: the state where it is lost,
 * then an update that makes everything anew, then the data of every volume that was gone. Volumes that are there keep
 * their data. Can be run again after it was broken off. `--to DIR` says where the backups are.
 */
import { namesOnly, takeOption } from "./lib/args.ts";
import { backupCommand, volumeCommand, type VolumeCommand } from "./lib/backup/command.ts";
import { dataVolumes } from "./lib/backup/dataVolumes.ts";
import { backupKey, type BackupKey } from "./lib/backup/key.ts";
import { withStack, withVolumes } from "./lib/backup/mend.ts";
import { RecoveryJournal } from "./lib/backup/recovery.ts";
import { restoreVolume } from "./lib/backup/restore.ts";
import { restoreState } from "./lib/backup/state.ts";
import { hasState, statePlace } from "./lib/backup/stateFiles.ts";
import { chooseBackup, listBackups, STATE, volumeDir, volumesWithBackups } from "./lib/backup/store.ts";
import { runAttached } from "./lib/exec.ts";
import { finishDeployment } from "./lib/finish.ts";
import { duration } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const started = Date.now();
  const { stack, rest } = stackArgs(process.argv.slice(2), ["yes"]);
  const to = takeOption(rest, "to");
  namesOnly(rest, "--stack and --to DIR");
  const key = await backupKey("need");
  await recoverState(stack, to, key);

  const command = await volumeCommand(stack, { to });
  const { owner, root, say } = command;
  const journal = new RecoveryJournal(owner);
  const present = new Set((await allVolumes(command)).filter((name) => !journal.volumes.includes(name)));
  journal.add(volumesWithBackups(root, owner).filter((volume) => !present.has(volume)));

  // Going back to an earlier version cannot help: nothing of it is here either.
  const up = ["scripts/run", "up", "--yes", "--no-rollback", "--stack", stack];
  const code = await runAttached("sh", up, { cwd: projectDir });
  if (code !== 0) return code;

  const restored = await recoverVolumes(command, key, journal);
  await finishDeployment(await prepareEngine({ stack }), stack);
  say(`stack "${stack}" is back, ${restored} volumes from their backups, after ${duration(Date.now() - started)}`);
  return 0;
});

/** @throws UserError where neither a state nor a backup of it is. */
async function recoverState(stack: string, to: string | undefined, key: BackupKey): Promise<void> {
  const command = backupCommand(stack, to);
  const { owner, root } = command;
  const place = statePlace(owner, projectDir);
  if (place.folder === undefined || hasState(place)) return;
  const [backup] = listBackups(volumeDir(root, owner, STATE)).filter(({ isWhole }) => isWhole);
  if (!backup) {
    throw new UserError(
      `stack "${stack}" has no state here, and no whole backup of it is in ${root} (--to DIR says where else); without one: npm run up, then npm run restore -- VOLUME for each volume (npm run backups lists them)`,
    );
  }
  await withStack(command, () => restoreState({ ...command, key }, place, { backup, replace: false }));
}

/** Gives the volumes that were gone their data back, one by one. Returns how many. */
async function recoverVolumes(command: VolumeCommand, key: BackupKey, journal: RecoveryJournal): Promise<number> {
  const { owner, root, say } = command;
  return withVolumes(command, async (signal) => {
    const present = new Set((await dataVolumes(command)).map(({ name }) => name));
    let restored = 0;
    for (const volume of journal.volumes) {
      if (present.has(volume)) {
        const backup = chooseBackup(volumeDir(root, owner, volume), volume, undefined);
        await restoreVolume({ ...command, key, signal }, backup);
        restored++;
      } else
        say(`${volume}: no server declares it; npm run restore -- --stack ${owner.stack} ${volume} brings it back`);
      journal.done(volume);
    }
    return restored;
  });
}

async function allVolumes({ docker }: VolumeCommand): Promise<string[]> {
  return (await docker.listVolumes()).Volumes.map(({ Name }) => Name);
}
