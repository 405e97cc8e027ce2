/**
 * Builds the stand-ins of this folder into single files that start fast, and lays them out so that the engine takes
 * them for installed plugins.
 *
 * Environment of the engine ({@link offlineEngineEnvironment}):
 * - `PULUMI_HOME`: the engine warns at every run about each plugin that it finds on PATH ("using
 *   pulumi-resource-docker from $PATH at …"); no setting silences that. Plugins in the plugin cache of its home folder
 *   bring no warning. So the build lays out a home folder of its own, in which the user's credentials and workspaces
 *   are links to the real ones.
 * - `PULUMI_IGNORE_AMBIENT_PLUGINS`: leaves out PATH, so that the wrappers in `bin` may be on it without a warning.
 * - `PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION`: nothing can be downloaded here; a plugin that is missing is an error
 *   at once and not after a time-out.
 * - `PULUMI_SKIP_UPDATE_CHECK`: the same for the question whether the engine is new.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { bundleForNode } from "./bundle.ts";

const SOURCES = import.meta.dirname;

/** Wrapper name → its entry point here, and the folder of the plugin cache that it goes to. */
const PROGRAMS = [
  { name: "pulumi-language-nodejs", entry: "languageHost.ts", cacheFolder: "language-nodejs-v3.255.0" },
  {
    name: "pulumi-resource-pulumi-nodejs",
    entry: "dynamicProvider.ts",
    cacheFolder: "resource-pulumi-nodejs-v3.255.0",
  },
  { name: "pulumi-resource-docker", entry: "plugins/docker.ts", cacheFolder: "resource-docker-v5.2.0" },
  { name: "pulumi-resource-random", entry: "plugins/random.ts", cacheFolder: "resource-random-v4.21.2" },
  { name: "pulumi-resource-command", entry: "plugins/command.ts", cacheFolder: "resource-command-v1.2.1" },
] as const;

export interface BuildOptions {
  /** Folder that may hold files between runs, for example `~/.cache/mcp-estate`. */
  cacheDir: string;
  /** The Node (24 or newer) that the plugins and the program run on. */
  nodePath: string;
  /** Told one line per step. @default nothing is told. */
  onProgress?: (line: string) => void;
}

/**
 * Builds what is not built yet. Keyed by the content of the sources, the lock file and the Node path: an unchanged tree
 * costs a few milliseconds. Two builds at once do not disturb each other.
 *
 * @returns the folder with the executables.
 * @throws Error when a source does not bundle.
 */
export async function buildOfflinePlugins(options: BuildOptions): Promise<{ binDir: string }> {
  const { cacheDir, nodePath, onProgress = () => undefined } = options;
  const target = path.join(path.resolve(cacheDir), "offline-plugins", await contentHash(nodePath));
  if (!existsSync(target)) {
    onProgress("building the stand-ins for Pulumi's language host and plugins");
    await buildInto(target, nodePath);
  }
  return { binDir: path.join(target, "bin") };
}

/** What the engine needs in its environment to use the plugins of {@link buildOfflinePlugins}; the top of this file says why. */
export function offlineEngineEnvironment(binDir: string): Record<string, string> {
  return {
    PULUMI_HOME: path.join(path.dirname(binDir), "home"),
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}

async function contentHash(nodePath: string): Promise<string> {
  const hash = createHash("sha256").update(nodePath).update(userHome());
  const files = (await readdir(SOURCES, { recursive: true })).filter(
    (file) => /\.(?:ts|json)$/.test(file) && !file.startsWith("engine"),
  );
  for (const file of files.sort()) hash.update(file).update(await readFile(path.join(SOURCES, file)));
  const lock = path.join(SOURCES, "..", "package-lock.json");
  if (existsSync(lock)) hash.update(await readFile(lock));
  return hash.digest("hex").slice(0, 16);
}

/** Builds beside the target and renames: a half-built folder is never seen, and of two builds at once one wins. */
async function buildInto(target: string, nodePath: string): Promise<void> {
  const staging = `${target}.${randomBytes(4).toString("hex")}`;
  try {
    await bundle(path.join(staging, "lib"));
    await writeWrappers(staging, target, nodePath);
    await layOutHome(staging, target);
    await rename(staging, target).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function bundle(outdir: string): Promise<void> {
  const entryPoints = [
    ...PROGRAMS.map(({ name, entry }) => ({ in: path.join(SOURCES, entry), out: name })),
    ...["lazyModules", "lightSdk"].map((name) => ({ in: path.join(SOURCES, "languageHost", `${name}.ts`), out: name })),
  ];
  // dockerode can speak ssh by itself and build images through BuildKit; neither is used here (connection.ts goes
  // through the system's ssh), and both bring native code and half a second of start-up.
  const unused = ["protobufjs", "@grpc/proto-loader"];
  const speaksSsh = ({ out }: { out: string }): boolean => out === "pulumi-resource-command";
  const options = { outdir, outExtension: { ".js": ".cjs" } };
  await bundleForNode({ ...options, entryPoints: entryPoints.filter((each) => !speaksSsh(each)) }, ["ssh2", ...unused]);
  // Of ssh2 only the parts that are JavaScript; it does without the others.
  const native = ["cpu-features", String.raw`.*\.node`];
  await bundleForNode({ ...options, entryPoints: entryPoints.filter(speaksSsh) }, [...native, ...unused]);
}

async function writeWrappers(staging: string, target: string, nodePath: string): Promise<void> {
  await mkdir(path.join(staging, "bin"), { recursive: true });
  for (const { name } of PROGRAMS) {
    const file = path.join(staging, "bin", name);
    // The compile cache keeps V8's compiled code of the bundle, and of the program and @pulumi/pulumi below it.
    const script = [
      "#!/bin/sh",
      `export NODE_COMPILE_CACHE=${quoted(path.join(target, "compile-cache"))}`,
      `exec ${quoted(nodePath)} ${quoted(path.join(target, "lib", `${name}.cjs`))} "$@"`,
      "",
    ];
    await writeFile(file, script.join("\n"));
    await chmod(file, 0o755);
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The engine's home folder: our plugins as installed ones, everything personal a link to the user's own. */
async function layOutHome(staging: string, target: string): Promise<void> {
  for (const { name, cacheFolder } of PROGRAMS) {
    const folder = path.join(staging, "home", "plugins", cacheFolder);
    await mkdir(folder, { recursive: true });
    await symlink(path.join(target, "bin", name), path.join(folder, name));
  }
  await mkdir(path.join(userHome(), "workspaces"), { recursive: true });
  for (const entry of ["workspaces", "credentials.json", "config.json"]) {
    await symlink(path.join(userHome(), entry), path.join(staging, "home", entry));
  }
  // A file where the engine wants a folder: it does without. It would write every property of every call to a log that
  // nobody asked for (no setting prevents it): half of its processor time, and all values once more on the disk.
  await writeFile(path.join(staging, "home", "logs"), "The engine keeps no log of its own here; use its flag -v.\n");
}

/** Where the user's Pulumi keeps its things; not our own home folder when a run starts another. */
function userHome(): string {
  const set = process.env["PULUMI_HOME"];
  return set !== undefined && set !== "" && !set.includes("offline-plugins") ? set : path.join(os.homedir(), ".pulumi");
}
