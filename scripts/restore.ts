/**
 * `npm run restore -- VOLUME [--from FILE|TIME]`: puts a backup, the newest unless said otherwise, in the place of a
 * volume's data and starts its server on it. A volume that is gone is made anew.
 */
import { namesOnly, parseArgs, takeOption } from "./lib/args.ts";
import { volumeCommand } from "./lib/backup/command.ts";
import { volumeNamed } from "./lib/backup/dataVolumes.ts";
import { backupKey } from "./lib/backup/key.ts";
import { withVolumes } from "./lib/backup/mend.ts";
import { restoreVolume } from "./lib/backup/restore.ts";
import { chooseBackup, volumeDir, volumesWithBackups } from "./lib/backup/store.ts";
import { readOutputs, waitUntilHealthy } from "./lib/estate.ts";
import { sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const from = takeOption(rest, "from");
  const to = takeOption(rest, "to");
  const [name, ...more] = namesOnly(rest, "--stack, --from FILE|TIME and --to DIR");
  if (name === undefined || more.length > 0) {
    throw new UserError(`name one volume: npm run restore -- --stack ${stack} VOLUME (npm run backups lists them)`);
  }
  const command = await volumeCommand(stack, to);
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

/** The server is well; callers come through the gateway, which looks at it in its own time. */
async function waitForGateway(stack: string, server: string): Promise<void> {
  const prepared = await prepareEngine({ stack, onMissingPassphrase: "leaveUnset" });
  const outputs = await readOutputs(prepared, projectDir, stack);
  if (outputs && server in outputs.servers) await waitUntilHealthy(outputs, { say: sayer("health"), server });
}
