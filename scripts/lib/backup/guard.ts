import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { look } from "../look.ts";
import { cacheDir, projectDir } from "../paths.ts";
import type { PlannedChange } from "../plan.ts";
import type { Prepared } from "../prepare.ts";
import { requireStackFile, setting, type StackFile } from "../stackFile.ts";
import { backupVolume } from "./backup.ts";
import { KEPT_BACKUPS, type VolumeCommand } from "./command.ts";
import { dataVolumes } from "./dataVolumes.ts";
import { backupKey } from "./key.ts";
import { listBackups, volumeDir, volumesWithBackups } from "./store.ts";

const VOLUME = "docker:index/volume:Volume";

/**
 * Before an update: backs up each data volume that it would remove from the stack or replace, and names those that are
 * gone and have a backup. The engine is asked only when something that decides about volumes is not what the last
 * update had, as its answer takes seconds. On a protected stack the engine itself refuses such an update.
 * @returns what to call when the update has succeeded.
 * @throws UserError when a backup that is needed cannot be made; the update must not go on then.
 */
export async function guardVolumes(
  command: VolumeCommand & { signal: AbortSignal },
  prepared: Prepared,
  deployment: { stack: string; program: string; configFile?: string | undefined },
): Promise<() => void> {
  const { owner, say } = command;
  const { stack, program, configFile } = deployment;
  const stackFile = requireStackFile(projectDir, stack, configFile);
  const volumes = await dataVolumes(command);
  const names = new Set(volumes.map(({ name }) => name));
  nameTheGone(command, stackFile, names);
  const known = join(cacheDir(), "declarations", `${owner.estate}-${owner.stack}`);
  const declaration = declarationOf(program, stackFile);
  const remember = (): void => {
    mkdirSync(dirname(known), { recursive: true });
    writeFileSync(known, declaration);
  };
  if (names.size === 0 || isProtected(stackFile) || read(known) === declaration) return remember;
  const args = configFile === undefined ? [] : ["--config-file", configFile];
  const doomed = endangered((await look(prepared, stack, args, program)).changes);
  const threatened = volumes.filter(({ name }) => doomed.has(name));
  if (threatened.length > 0) {
    say(`this update takes ${threatened.map(({ name }) => name).join(", ")} out of the stack: backing up first`);
    const key = await backupKey("make");
    for (const volume of threatened) await backupVolume({ ...command, key, keep: KEPT_BACKUPS }, volume);
  }
  return remember;
}

export function isProtected(stackFile: StackFile): boolean {
  return setting(stackFile, "mcp-estate:volumes.protect") === true;
}

/** Names of the volumes that a plan removes or replaces. */
export function endangered(changes: readonly PlannedChange[]): Set<string> {
  return new Set(
    changes
      .filter(({ type, action }) => type === VOLUME && (action === "delete" || action === "replace"))
      .flatMap(({ dockerName }) => dockerName ?? []),
  );
}

function nameTheGone({ owner, root, say }: VolumeCommand, stackFile: StackFile, there: ReadonlySet<string>): void {
  const components = { ...mapOf(stackFile, "servers"), ...mapOf(stackFile, "services") };
  for (const volume of volumesWithBackups(root, owner)) {
    const [newest] = listBackups(volumeDir(root, owner, volume));
    if (there.has(volume) || !newest || !(newest.manifest.component in components)) continue;
    say(
      `${volume} is gone and will be made empty; its newest backup is of ${newest.manifest.time}: npm run restore -- --stack ${owner.stack} ${volume}`,
    );
  }
}

/** What decides which volumes there are: the program, which servers from which entries of the catalogue, and services. */
function declarationOf(program: string, stackFile: StackFile): string {
  const hash = createHash("sha256");
  for (const file of [...globSync("components/**/*.ts", { cwd: program }).sort(), "index.ts"]) {
    hash.update(`${file}\0`).update(readFileSync(join(program, file)));
  }
  const from = (server: unknown): unknown =>
    typeof server === "object" && server !== null ? Reflect.get(server, "from") : undefined;
  const servers = Object.entries(mapOf(stackFile, "servers")).map(([name, server]) => [name, from(server)]);
  return hash.update(JSON.stringify([servers, mapOf(stackFile, "services")])).digest("hex");
}

function mapOf(stackFile: StackFile, section: string): object {
  const found = setting(stackFile, `mcp-estate:${section}`);
  return typeof found === "object" && found !== null ? found : {};
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // this is the first update from here
  }
}
