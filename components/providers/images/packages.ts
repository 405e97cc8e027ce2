import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Layer } from "../../imageRecipe.ts";
import { cacheFolder, staged } from "./cache.ts";
import { isMissingProgram, run } from "./command.ts";
import { LOCK_FILES } from "./contentHash.ts";

/** Processor of the Docker host, in the words of each package ecosystem. */
export const ARCHITECTURES = {
  amd64: { npm: "x64", wheel: "x86_64" },
  arm64: { npm: "arm64", wheel: "aarch64" },
} as const;
export type Architecture = keyof typeof ARCHITECTURES;

/** Wheels that Debian 12's glibc 2.36 runs, newest last. */
const MANYLINUX = ["manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34"];

/** Node's own name for this machine's processor is npm's. */
export function isNative(architecture: Architecture): boolean {
  return process.platform === "linux" && process.arch === ARCHITECTURES[architecture].npm;
}

/**
 * Installs a lock folder for the Docker host into the staging cache.
 * @returns folder that holds `node_modules`.
 */
export function stageNpm(
  layer: Extract<Layer, { kind: "npm" }>,
  content: string,
  architecture: Architecture,
  root: string,
): Promise<string> {
  const { withoutOptional = false } = layer;
  const key = ["npm", content, architecture, ...layer.allowScripts, ...(withoutOptional ? ["without optional"] : [])];
  return staged(key, async (folder) => {
    await requireSameWishes(join(root, layer.lockFolder), layer.lockFolder);
    for (const name of LOCK_FILES.npm) await copyFile(join(root, layer.lockFolder, name), join(folder, name));
    const platform = ["--os=linux", "--libc=glibc", `--cpu=${ARCHITECTURES[architecture].npm}`];
    const common = ["--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", ...platform];
    if (withoutOptional) {
      // npm ci refuses a lock file for an optional package that no registry has, whether it is wanted or not.
      await npm(["install", "--no-save", "--omit=optional", ...common], folder);
      await requireLocked(folder);
    } else await npm(["ci", ...common], folder);
    // npm's own note of where it fetched from.
    await rm(join(folder, "node_modules/.package-lock.json"), { force: true });
    if (layer.allowScripts.length === 0) return;
    if (!isNative(architecture)) {
      throw new Error(
        `${layer.lockFolder}: install scripts of ${layer.allowScripts.join(", ")} must run on Linux ${architecture}; this is ${process.platform} ${process.arch}`,
      );
    }
    await npm(["rebuild", "--no-audit", ...layer.allowScripts], folder);
  });
}

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional(), integrity: z.string().optional() })),
});

const wishesSchema = z.object({ dependencies: z.record(z.string(), z.string()).default({}) });

/** npm says the same in a page of help. @throws Error naming what package.json wants and the lock file does not know. */
async function requireSameWishes(folder: string, name: string): Promise<void> {
  const read = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, file), "utf8")) as unknown;
  const { dependencies: wanted } = wishesSchema.parse(await read("package.json"));
  const lock = z.object({ packages: z.object({ "": wishesSchema }) }).parse(await read("package-lock.json"));
  const { dependencies: locked } = lock.packages[""];
  for (const each of new Set([...Object.keys(wanted), ...Object.keys(locked)])) {
    if (wanted[each] === locked[each]) continue;
    throw new Error(
      `${name}: package.json wants ${each} ${wanted[each] ?? "not at all"}, package-lock.json has ${locked[each] ?? "none"}; lock it anew (components/catalogue/locks/README.md)`,
    );
  }
}

/** What npm ci would see to. @throws Error naming a package that was installed otherwise than it is locked. */
async function requireLocked(folder: string): Promise<void> {
  const read = async (path: string) =>
    lockSchema.parse(JSON.parse(await readFile(join(folder, path), "utf8"))).packages;
  const locked = await read("package-lock.json");
  for (const [path, { version, integrity }] of Object.entries(await read("node_modules/.package-lock.json"))) {
    const wanted = locked[path];
    if (wanted?.version === version && wanted?.integrity === integrity) continue;
    throw new Error(`${path} was installed at ${version ?? "?"}, locked is ${wanted?.version ?? "none"}; lock it anew`);
  }
}

/** Fetches npm's build of Node for a processor that is not this machine's. @returns path of the binary. */
export async function stageNode(version: string, architecture: Architecture): Promise<string> {
  const name = `node-linux-${ARCHITECTURES[architecture].npm}`;
  const folder = await staged(["node", version, architecture], async (target) => {
    await npm(
      ["install", "--prefix", target, "--force", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`],
      target,
    );
  });
  return join(folder, "node_modules", name, "bin", "node");
}

/**
 * Installs hashed wheels for the Docker host and the image's Python into the staging cache.
 * @returns folder to stand at /app/site-packages.
 */
export function stagePypi(
  layer: Extract<Layer, { kind: "pypi" }>,
  content: string,
  architecture: Architecture,
  root: string,
): Promise<string> {
  return staged(["pypi", content, architecture, layer.python], async (folder) => {
    const [program, ...args] = await findPip();
    const checked = ["--require-hashes", "--no-deps", "--no-compile", ...wheelOptions(layer.python, architecture)];
    const requirements = join(root, layer.lockFolder, "requirements.txt");
    await run(program, [...args, "install", "--quiet", ...checked, "--target", folder, "-r", requirements], {
      env: { PIP_NO_INPUT: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1" },
    });
  });
}

/** Options that make pip choose wheels for the image, whatever it runs on. */
export function wheelOptions(python: string, architecture: Architecture): string[] {
  const platforms = MANYLINUX.flatMap((tag) => ["--platform", `${tag}_${ARCHITECTURES[architecture].wheel}`]);
  return ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, ...platforms];
}

/** Below `npm run -s` npm would say nothing of what is wrong. */
async function npm(args: string[], cwd: string): Promise<void> {
  try {
    await run("npm", args, { cwd, env: { npm_config_update_notifier: "false", npm_config_loglevel: "error" } });
  } catch (error) {
    if (!isMissingProgram(error)) throw error;
    throw new Error("npm is not on PATH: it comes with Node, or with `apt-get install npm`", { cause: error });
  }
}

/** The host's pip in whatever shape it has; the wheels are for the image's Python, so that the host's does not matter. */
export async function findPip(): Promise<[string, ...string[]]> {
  const scratch = join(cacheFolder(), "pip");
  const candidates: Array<[string, ...string[]]> = [
    ["python3", "-m", "pip"],
    ["pip3"],
    [join(scratch, "bin", "python3"), "-m", "pip"],
  ];
  for (const candidate of candidates) if (await answers(candidate)) return candidate;
  try {
    await mkdir(cacheFolder(), { recursive: true });
    await run("python3", ["-m", "venv", scratch]);
    return [join(scratch, "bin", "python3"), "-m", "pip"];
  } catch (error) {
    throw new Error("no pip to install Python packages with: `apt-get install --no-install-recommends python3-pip`", {
      cause: error,
    });
  }
}

async function answers([program, ...args]: [string, ...string[]]): Promise<boolean> {
  return run(program, [...args, "--version"]).then(
    () => true,
    () => false,
  );
}
