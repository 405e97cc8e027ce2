import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { backupKey } from "../../../scripts/lib/backup/key.ts";
import { openSealed } from "../../../scripts/lib/backup/sealed.ts";
import { backupsDir, listBackups, STATE, volumeDir, volumesWithBackups } from "../../../scripts/lib/backup/store.ts";
import { entriesOf } from "./archive.ts";
import type { HidingPlace, Leak, Scene } from "./hidingPlace.ts";
import type { Piece } from "./search.ts";

/** In these the user's own keys lie, and in a sealed backup of the state a copy of each. */
const KEYS = /(^|\/)(passphrase(-[0-9a-f]+)?|secrets-key|backup-key)$/;

/** What the engine and the project's commands write to disk. */
export function filePlaces({ estate, open }: Scene): HidingPlace[] {
  const inSetting = (): Promise<Leak> => Promise.resolve({ canary: open.setting });
  const owner = { estate: "mcp-estate", stack: estate.stack };
  const env = { XDG_CONFIG_HOME: join(estate.folder, ".config"), XDG_DATA_HOME: join(estate.folder, ".data") };

  /** What is in the newest backups of some volumes, opened. */
  async function* backups(wanted: (volume: string) => boolean): AsyncGenerator<Piece> {
    const root = backupsDir(undefined, env);
    const key = await backupKey("need", env);
    const volumes = [STATE, ...volumesWithBackups(root, owner)].filter(wanted);
    for (const { file, manifestFile } of volumes.flatMap((volume) => listBackups(volumeDir(root, owner, volume)))) {
      yield { of: manifestFile, content: readFileSync(manifestFile) };
      yield* entriesOf(await openSealed(key, file), file, (name) => !KEYS.test(name));
    }
  }

  return [
    {
      name: "the state",
      leak: inSetting,
      read: () => filesIn(join(estate.folder, ".pulumi"), (file) => !file.includes("/.pulumi/history/")),
    },
    {
      name: "the history and its checkpoints",
      leak: inSetting,
      read: () => filesIn(join(estate.folder, ".pulumi/history")),
    },
    { name: "opened backups of the state", leak: inSetting, read: () => backups((volume) => volume === STATE) },
    { name: "opened backups of data volumes", leak: inSetting, read: () => backups((volume) => volume !== STATE) },
    {
      name: "every file of the project and its user, left temporary ones included",
      leak: inSetting,
      read: () => filesIn(estate.folder, (file) => !KEYS.test(file)),
    },
  ];
}

/** Packages and plugins left out: they are as they were published. */
function* filesIn(folder: string, wanted: (file: string) => boolean = () => true): Generator<Piece> {
  const find = [folder, "-type", "f", "-not", "-path", "*/node_modules/*", "-not", "-path", "*/.pulumi-home/plugins/*"];
  const files = execFileSync("find", find, { encoding: "utf8", maxBuffer: 1 << 26 }).split("\n");
  for (const file of files.filter((each) => each !== "" && wanted(each)))
    yield { of: file, content: readFileSync(file) };
}
