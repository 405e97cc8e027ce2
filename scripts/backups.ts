/**
 * `npm run backups`: the stack's backups, newest first. `--verify` restores the newest of each volume into a scratch
 * volume and compares: for a schedule. `--json` prints the list for programs. Exit code 1 when one is not whole.
 */
import { namesOnly, parseArgs, takeOption } from "./lib/args.ts";
import { volumeCommand, type VolumeCommand } from "./lib/backup/command.ts";
import { imageFor, usersOf } from "./lib/backup/dataVolumes.ts";
import { sameContents } from "./lib/backup/contents.ts";
import { backupKey } from "./lib/backup/key.ts";
import { withVolumes } from "./lib/backup/mend.ts";
import { openState } from "./lib/backup/state.ts";
import { scratchContents } from "./lib/backup/scratch.ts";
import { checkSealed, listBackups, STATE, volumeDir, volumesWithBackups, type Backup } from "./lib/backup/store.ts";
import { table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { messageOf, UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes", "verify", "json"]);
  const to = takeOption(rest, "to");
  namesOnly(rest, "--stack, --to DIR, --verify and --json");
  const command = await volumeCommand(stack, { to });
  const { owner, root } = command;
  return withVolumes(command, async (signal) => {
    const kinds = [...volumesWithBackups(root, owner), STATE];
    const backups = kinds.flatMap((volume) => listBackups(volumeDir(root, owner, volume)));
    if (flags.has("json")) process.stdout.write(`${JSON.stringify(backups, null, 2)}\n`);
    else process.stdout.write(backups.length === 0 ? `No backups in ${root}.\n` : `${backupTable(backups)}\n`);
    const damaged = backups.filter(({ isWhole }) => !isWhole).length;
    const faults = flags.has("verify") ? await verifyNewest({ ...command, signal }, backups) : 0;
    return damaged + faults === 0 ? 0 : 1;
  });
});

function backupTable(backups: readonly Backup[]): string {
  const rows = backups.map(({ manifest: { volume, time, files, bytes, consistency }, isWhole }) => {
    return [volume, time, String(files), String(bytes), consistency, isWhole ? "whole" : "DAMAGED"];
  });
  return table(["VOLUME", "TIME", "FILES", "BYTES", "SERVER", "FILE"], rows);
}

/** Restores the newest backup of each volume into a scratch volume. Returns how many cannot be. */
async function verifyNewest(
  command: VolumeCommand & { signal: AbortSignal },
  backups: readonly Backup[],
): Promise<number> {
  const { docker, owner, say } = command;
  const key = await backupKey("need");
  let faults = 0;
  for (const [volume, [newest]] of Map.groupBy(backups, ({ manifest }) => manifest.volume)) {
    if (!newest) continue;
    const { file, manifest } = newest;
    try {
      if (volume === STATE) {
        await openState(key, newest);
        say(`state: the backup of ${manifest.time} opens, with equal checksums`);
        continue;
      }
      await checkSealed(key, newest);
      const image = await imageFor(docker, owner, manifest.component, await usersOf(docker, volume));
      const found = await scratchContents({ ...command, key }, { file, volume, image });
      if (!sameContents(found, manifest)) throw new UserError("its data is not that of its manifest");
      say(`${volume}: the backup of ${manifest.time} restores, with equal checksums`);
    } catch (error) {
      command.signal.throwIfAborted();
      faults++;
      say(`${volume}: ${messageOf(error)}`);
    }
  }
  return faults;
}
