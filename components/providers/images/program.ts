import { readFile } from "node:fs/promises";
import { isAbsolute, join, posix } from "node:path";
import type { Readable } from "node:stream";
import { build } from "esbuild";
import { CONTROL_DIR, MONITOR_PAGE_DIR, programPath, SECRETS_DIR } from "../../../runtime/contract/index.ts";
import type { Layer, Program } from "../../imageRecipe.ts";
import { packEntries, type ArchiveEntry } from "./archive.ts";
import { BUNDLE_OPTIONS, PAGE, programEntry, servesPage } from "./contentHash.ts";
import { singleFlight } from "./exclusive.ts";

/** Account of the server's processes: some programs do not start without an entry for their uid. */
const ACCOUNT = "mcp";
/** Both ends of a filter before Docker. */
const ASKS_DOCKER: ReadonlySet<Program> = new Set(["guard", "collector", "control"]);
/** Given by every Debian; all that a container needs of /etc/passwd beside its own account. */
const NOBODY = 65534;

/** All that differs between stacks, and the program: one small layer above the packages. */
export async function packProgram(layer: Extract<Layer, { kind: "program" }>, root: string): Promise<Readable> {
  const { program, user, mountPoints, files = {} } = layer;
  const path = programPath(program);
  const bundle = await singleFlight(`bundle ${program}`, () => bundleProgram(program, root));
  return packEntries([
    ...accountFiles(user),
    { name: "opt/mcp-estate", mode: 0o755 },
    { name: path.slice(1), mode: 0o644, content: bundle },
    ...fileEntries(files),
    ...(servesPage(program) ? await singleFlight(`page of ${program}`, () => pageEntries(root)) : []),
    ...mountPointEntries(user, mountPoints, ASKS_DOCKER.has(program) ? [CONTROL_DIR] : []),
  ]);
}

/** For a program that the image below already has. */
export function packAccount({ user, mountPoints = [], files = {} }: Extract<Layer, { kind: "account" }>): Readable {
  return packEntries([...accountFiles(user), ...fileEntries(files), ...mountPointEntries(user, mountPoints)]);
}

/** Files by their absolute paths. */
export function packFiles(files: Readonly<Record<string, string>>): Readable {
  return packEntries(fileEntries(files));
}

/** With the folders that they need. */
function fileEntries(files: Readonly<Record<string, string>>): ArchiveEntry[] {
  const entries = new Map<string, ArchiveEntry>();
  for (const [path, content] of Object.entries(files)) {
    for (const folder of foldersAbove(path)) entries.set(folder, { name: folder, mode: 0o755 });
    entries.set(path.slice(1), { name: path.slice(1), mode: 0o644, content });
  }
  return [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Those that Debian has keep its mode. */
function foldersAbove(path: string): string[] {
  const folders = [];
  for (let parent = posix.dirname(path); parent !== "/"; parent = posix.dirname(parent))
    if (!DEBIAN_FOLDERS.has(parent)) folders.push(parent.slice(1));
  return folders;
}

/** One file with everything that the program imports. @throws Error with esbuild's own message. */
async function bundleProgram(program: Program, root: string): Promise<Uint8Array> {
  const result = await build({
    ...BUNDLE_OPTIONS,
    entryPoints: [programEntry(program)],
    absWorkingDir: root,
    outfile: "bundle.mjs",
    write: false,
    logLevel: "silent",
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error(`esbuild wrote nothing for ${programEntry(program)}`);
  return file.contents;
}

/**
 * What browsers get, by file name, bundled; nothing of it comes from elsewhere later.
 * @throws Error with esbuild's own message.
 */
export async function buildPage(root: string): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    ...PAGE.options,
    entryPoints: [...PAGE.entries],
    absWorkingDir: root,
    outdir: "page",
    write: false,
    logLevel: "silent",
  });
  const html = await readFile(join(root, PAGE.html));
  return new Map([
    ...outputFiles.map(({ path, contents }) => [posix.basename(path), contents] as const),
    [posix.basename(PAGE.html), html],
  ]);
}

async function pageEntries(root: string): Promise<ArchiveEntry[]> {
  const folder = MONITOR_PAGE_DIR.slice(1);
  const files = [...(await buildPage(root))];
  return [
    { name: folder, mode: 0o755 },
    ...files.map(([name, content]) => ({ name: `${folder}/${name}`, mode: 0o644, content })),
  ];
}

function accountFiles(user: number): ArchiveEntry[] {
  const passwd = [
    "root:x:0:0:root:/root:/usr/sbin/nologin",
    `nobody:x:${NOBODY}:${NOBODY}:nobody:/nonexistent:/usr/sbin/nologin`,
    `${ACCOUNT}:x:${user}:${user}:${ACCOUNT}:/tmp:/usr/sbin/nologin`,
  ];
  const group = ["root:x:0:", `nogroup:x:${NOBODY}:`, `${ACCOUNT}:x:${user}:`];
  return [
    { name: "etc/passwd", mode: 0o644, content: `${passwd.join("\n")}\n` },
    { name: "etc/group", mode: 0o644, content: `${group.join("\n")}\n` },
  ];
}

/**
 * Data folders belong to the user, as a new volume takes the owner of the folder it is mounted on; the secrets folder
 * belongs to root, so that the server can read its files and neither add nor remove one.
 * @param ofRoot further folders of that kind.
 * @throws Error when a mount point is not an absolute path below the root folder.
 */
function mountPointEntries(
  user: number,
  mountPoints: readonly string[],
  ofRoot: readonly string[] = [],
): ArchiveEntry[] {
  const entries = new Map<string, ArchiveEntry>();
  for (const path of [SECRETS_DIR, ...ofRoot, ...mountPoints]) {
    if (!isAbsolute(path) || posix.normalize(path) !== path || path === "/" || path.endsWith("/")) {
      throw new Error(`mount point "${path}" given; an absolute path such as /data is allowed`);
    }
    for (const name of foldersAbove(path)) if (!entries.has(name)) entries.set(name, { name, mode: 0o755 });
  }
  for (const path of mountPoints)
    entries.set(path.slice(1), { name: path.slice(1), mode: 0o750, uid: user, gid: user });
  for (const path of [SECRETS_DIR, ...ofRoot])
    entries.set(path.slice(1), { name: path.slice(1), mode: 0o750, uid: 0, gid: user });
  return [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const DEBIAN_FOLDERS = new Set([
  "/etc",
  "/home",
  "/mnt",
  "/opt",
  "/run",
  "/srv",
  "/tmp",
  "/usr",
  "/var",
  "/var/lib",
  "/var/tmp",
]);
