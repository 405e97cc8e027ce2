/**
 * `npm run restore -- VOLUME [--from FILE|TIME]`: puts a backup, the newest unless said otherwise, in the place of a
 * volume's data and starts its server on it. A volume that is gone is made anew. With `--state` in the place of VOLUME: the
 * stack's state and its passphrase, where they are lost (`--replace`: also where they are not).
 */
import { namesOnly, takeOption } from "./lib/args.ts";
import { backupCommand, volumeCommand, type BackupCommand } from "./lib/backup/command.ts";
import { volumeNamed } from "./lib/backup/dataVolumes.ts";
import { backupKey } from "./lib/backup/key.ts";
import { withStack, withVolumes } from "./lib/backup/mend.ts";
import { restoreVolume } from "./lib/backup/restore.ts";
import { restoreState } from "./lib/backup/state.ts";
import { statePlace } from "./lib/backup/stateFiles.ts";
import { chooseBackup, STATE, volumeDir, volumesWithBackups } from "./lib/backup/store.ts";
import { readOutputs, waitUntilHealthy } from "./lib/estate.ts";
import { sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "state", "replace"]);
  const from = takeOption(rest, "from");
  const to = takeOption(rest, "to");
  const [name, ...more] = namesOnly(rest, "--stack, --state, --replace, --from FILE|TIME and --to DIR");
  if (flags.has("state")) {
    if (name !== undefined) throw new UserError(`--state is of the state alone; leave out "${name}"`);
    return ofState(backupCommand(stack, to), { from, replace: flags.has("replace") });
  }
  if (flags.has("replace")) throw new UserError("--replace goes with --state; a volume's data is always replaced");
  if (name === undefined || more.length > 0) {
    throw new UserError(`name one volume: npm run restore -- --stack ${stack} VOLUME (npm run backups lists them)`);
  }
  const command = await volumeCommand(stack, { to });
  const { owner, root } = command;
  const volume = volumeNamed(owner, volumesWithBackups(root, owner), name);
  const backup = chooseBackup(volumeDir(root, owner, volume), volume, from);
  if (backup.manifest.volume !== volume) {
    throw new UserError(
      `${backup.file} is a backup of "${backup.manifest.volume}", not of "${volume}"; name that volume`,
    );
  }
  const key = await backupKey("need");
  return withVolumes(command, async (signal) => {
    const runs = await restoreVolume({ ...command, key, signal }, backup);
    if (runs) await waitForGateway(stack, backup.manifest.component);
    return 0;
  });
});

async function ofState(
  command: BackupCommand,
  { from, replace }: { from: string | undefined; replace: boolean },
): Promise<number> {
  const { owner, root, say } = command;
  const backup = chooseBackup(volumeDir(root, owner, STATE), STATE, from);
  const key = await backupKey("need");
  return withStack(command, async () => {
    await restoreState({ ...command, key }, statePlace(owner, projectDir), { backup, replace });
    say(`npm run preview -- --stack ${owner.stack} compares it with what runs`);
    return 0;
  });
}

/** The server is well; callers come through the gateway, which looks at it in its own time. */
async function waitForGateway(stack: string, server: string): Promise<void> {
  const prepared = await prepareEngine({ stack, onMissingPassphrase: "leaveUnset" });
  const outputs = await readOutputs(prepared, projectDir, stack);
  if (outputs && server in outputs.servers) await waitUntilHealthy(outputs, { say: sayer("health"), server });
}
