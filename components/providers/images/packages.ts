import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
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
  return staged(["npm", content, architecture, ...layer.allowScripts], async (folder) => {
    for (const name of LOCK_FILES.npm) await copyFile(join(root, layer.lockFolder, name), join(folder, name));
    const platform = ["--os=linux", "--libc=glibc", `--cpu=${ARCHITECTURES[architecture].npm}`];
    await npm(["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", ...platform], folder);
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

async function npm(args: string[], cwd: string): Promise<void> {
  try {
    await run("npm", args, { cwd, env: { npm_config_update_notifier: "false" } });
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
