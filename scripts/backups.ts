/**
 * `npm run backups`: the stack's backups, newest first. `--verify` restores the newest of each volume into a scratch
 * volume and compares: for a schedule. `--json` prints the list for programs. Exit code 1 when one is not whole.
 */
import { namesOnly, parseArgs, takeOption } from "./lib/args.ts";
import { volumeCommand } from "./lib/backup/command.ts";
import { imageFor } from "./lib/backup/dataVolumes.ts";
import { sameContents } from "./lib/backup/contents.ts";
import { backupKey } from "./lib/backup/key.ts";
import { withVolumes } from "./lib/backup/mend.ts";
import { scratchContents } from "./lib/backup/scratch.ts";
import { checkSealed, listBackups, volumeDir, volumesWithBackups } from "./lib/backup/store.ts";
import { table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { messageOf, UserError } from "./lib/userError.ts";

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes", "verify", "json"]);
  const to = takeOption(rest, "to");
  namesOnly(rest, "--stack, --to DIR, --verify and --json");
  const command = await volumeCommand(stack, to);
  const { docker, owner, root, say } = command;
  const backups = volumesWithBackups(root, owner).flatMap((volume) => listBackups(volumeDir(root, owner, volume)));
  if (flags.has("json")) {
    process.stdout.write(`${JSON.stringify(backups, null, 2)}\n`);
  } else if (backups.length === 0) {
    process.stdout.write(`No backups of stack "${stack}" in ${root}.\n`);
  } else {
    const rows = backups.map(({ manifest, isWhole }) => {
      const { volume, time, files, bytes, consistency } = manifest;
      return [volume, time, String(files), String(bytes), consistency, isWhole ? "whole" : "DAMAGED"];
    });
    process.stdout.write(`${table(["VOLUME", "TIME", "FILES", "BYTES", "SERVER", "FILE"], rows)}\n`);
  }
  let faults = backups.filter(({ isWhole }) => !isWhole).length;
  if (flags.has("verify")) {
    const key = await backupKey("need");
    const newest = [...new Map(backups.toReversed().map((backup) => [backup.manifest.volume, backup])).values()];
    await withVolumes(docker, owner, say, async () => {
      for (const backup of newest) {
        const { volume, component, time } = backup.manifest;
        try {
          await checkSealed(key, backup);
          const image = await imageFor(docker, owner, component, []);
          const found = await scratchContents({ ...command, key }, { file: backup.file, volume, image });
          if (!sameContents(found, backup.manifest)) throw new UserError("its data is not that of its manifest");
          say(`${volume}: the backup of ${time} restores, with equal checksums`);
        } catch (error) {
          faults++;
          say(`${volume}: ${messageOf(error)}`);
        }
      }
    });
  }
  return faults === 0 ? 0 : 1;
});
