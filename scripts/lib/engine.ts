import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Consent } from "./ask.ts";
import { buildEngine } from "./engineBuild.ts";
import { downloadEngine } from "./engineDownload.ts";
import { capture, findOnPath, isExecutableFile, type Environment } from "./exec.ts";
import { withFileLock } from "./fileLock.ts";
import type { Say } from "./log.ts";
import { cacheDir } from "./paths.ts";
import { messageOf, UserError } from "./userError.ts";
import { engineVersion, isAtLeast, parseVersion, resourcePlugins } from "./versions.ts";

/** A Pulumi command line program that runs here. */
export interface Engine {
  /** The `pulumi` program. */
  file: string;
  version: string;
  origin: "PATH" | "download" | "build";
  /** Whether it brings its own language host and could get its own plugins; if not, those of offline/ stand in. */
  official: boolean;
}

export interface ResolveOptions {
  say: Say;
  /** Asked before a package of the distribution is installed. */
  consent: Consent;
  env?: Environment;
  /** @default the official download */
  download?: typeof downloadEngine;
  /** @default the build from the Go module in offline/engine */
  build?: typeof buildEngine;
}

/**
 * Finds the engine: a new enough `pulumi` on PATH, else the official download, else built from its Go module.
 * The last two are kept in the cache folder by version. Two processes at once: one does the work.
 * @throws UserError that lists what was tried when there is no way to one.
 */
export async function resolveEngine(options: ResolveOptions): Promise<Engine> {
  const env = options.env ?? process.env;
  return (await engineOnPath(env, options.say)) ?? (await cachedEngine(env)) ?? (await fetchEngine(options, env));
}

/** The engine of a machine where nothing needs to be fetched, or undefined. */
export async function presentEngine(env: Environment, say: Say): Promise<Engine | undefined> {
  return (await engineOnPath(env, say)) ?? (await cachedEngine(env));
}

async function engineOnPath(env: Environment, say: Say): Promise<Engine | undefined> {
  const file = findOnPath("pulumi", env["PATH"]);
  if (file === undefined || file.startsWith(engineCache(env))) return undefined;
  const version = await versionOf(file, env);
  if (version === undefined || !isAtLeast(version, engineVersion)) {
    say(`${file} is ${version ?? "no Pulumi"}, needed is ${engineVersion} or newer: not used`);
    return undefined;
  }
  return { file, version, origin: "PATH", official: await isOfficial(file, env, say) };
}

async function cachedEngine(env: Environment): Promise<Engine | undefined> {
  const downloaded = join(engineCache(env), "official", "pulumi");
  if (isExecutableFile(downloaded)) {
    const official = await isOfficial(downloaded, env, () => undefined);
    return { file: downloaded, version: engineVersion, origin: "download", official };
  }
  const built = join(engineCache(env), "pulumi");
  if (isExecutableFile(built)) return { file: built, version: engineVersion, origin: "build", official: false };
  return undefined;
}

async function fetchEngine(options: ResolveOptions, env: Environment): Promise<Engine> {
  const { say, consent, download = downloadEngine, build = buildEngine } = options;
  const folder = engineCache(env);
  return withFileLock(`${folder}.lock`, say, async () => {
    const present = await cachedEngine(env);
    if (present !== undefined) return present;
    const tried: string[] = [`no pulumi ≥ ${engineVersion} on PATH`];
    for (const [what, get] of [
      ["download", () => download({ folder: join(folder, "official"), say })],
      ["build", () => build({ folder, env, say, consent })],
    ] as const) {
      try {
        await get();
      } catch (error) {
        tried.push(`${what}: ${messageOf(error)}`);
        say(`${what}: ${messageOf(error)}`);
        continue;
      }
      const fetched = await cachedEngine(env);
      if (fetched !== undefined) return fetched;
    }
    throw new UserError(
      `no Pulumi engine is to be had (${tried.join("; ")}); put pulumi ≥ ${engineVersion} on PATH, or Go ≥ 1.25.11, or let this machine reach get.pulumi.com or a Go module proxy`,
    );
  });
}

/** `pulumi version` costs 0.2 s: the answer is kept as long as the file is the same. */
async function versionOf(file: string, env: Environment): Promise<string | undefined> {
  const { size, mtimeMs } = await stat(file);
  const memory = join(cacheDir(env), "engine", `version-${digest(`${file} ${size} ${mtimeMs}`)}`);
  if (existsSync(memory)) return (await readFile(memory, "utf8")).trim();
  const { code, stdout } = await capture(file, ["version"], {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    timeoutMs: 20_000,
  });
  const version = code === 0 ? parseVersion(stdout) : undefined;
  if (version !== undefined) await writeFile(memory, version).catch(() => undefined); // the cache folder may not exist yet
  return version;
}

/**
 * Official means: the language host lies beside the program, and the plugins are there or can be had.
 * They are had for good the first time, so that a later run asks the file system only.
 */
async function isOfficial(file: string, env: Environment, say: Say): Promise<boolean> {
  if (!isExecutableFile(join(dirname(file), "pulumi-language-nodejs"))) return false;
  const plugins = join(env["PULUMI_HOME"] ?? join(env["HOME"] ?? homedir(), ".pulumi"), "plugins");
  const missing = resourcePlugins().filter(
    ({ name, version }) => !existsSync(join(plugins, `resource-${name}-v${version}`)),
  );
  for (const { name, version } of missing) {
    say(`installing the plugin ${name} ${version}`);
    const { code, stderr } = await capture(file, ["plugin", "install", "resource", name, `v${version}`], {
      env,
      timeoutMs: 120_000,
    });
    if (code !== 0) {
      say(`plugin ${name} ${version} cannot be had (${lastLine(stderr)}): those of offline/ stand in`);
      return false;
    }
  }
  return true;
}

function engineCache(env: Environment): string {
  return join(cacheDir(env), "engine", `v${engineVersion}`);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
