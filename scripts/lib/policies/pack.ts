import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { policyConfig, type PackConfig } from "../../../policy/config.ts";
import type { Environment } from "../exec.ts";
import { cacheDir, projectDir } from "../paths.ts";
import { requireStackFile, setting } from "../stackFile.ts";
import { codeOf } from "../userError.ts";

const PACK = join(projectDir, "policy");
const ENTRY = "pack.ts";
const END = "offline/plugins/endWithEngine.ts";

/**
 * The engine's arguments that put a stack's update under the project's policies; none where its settings say
 * `mcp-estate:policy.enabled: false`. Exemptions are read from the stack file alone, so that nobody gives one out of sight.
 * @throws UserError when there is no such stack.
 */
export async function policyArgs(stack: string, env: Environment = process.env): Promise<string[]> {
  const stackFile = requireStackFile(projectDir, stack);
  const value = (key: keyof PackConfig | "enabled") => setting(stackFile, `mcp-estate:policy.${key}`);
  if (value("enabled") === false) return [];
  const exemptions = value("exemptions");
  const production = value("production");
  // What has another shape is the program's to refuse, with all other faults of the settings.
  const config: PackConfig = {
    ...(Array.isArray(exemptions) ? { exemptions: exemptions.filter((each) => isObject(each)) } : {}),
    ...(typeof production === "boolean" ? { production } : {}),
  };
  return packArgs(config, env);
}

/** The same for settings that stand in no file. */
export async function packArgs(config: PackConfig, env: Environment = process.env): Promise<string[]> {
  const folder = join(cacheDir(env), "policy");
  const [pack, file] = [await bundledPack(folder), keptConfig(folder, policyConfig(config))];
  return ["--policy-pack", pack, "--policy-pack-config", file];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * The pack as one executable file, which the engine starts as it does any plugin. Run through a language host it takes a
 * second more: the host compiles TypeScript for it, which is none any more.
 * @returns its path; built again when a source or the lock file has changed.
 */
async function bundledPack(folder: string): Promise<string> {
  const target = join(folder, sourcesHash());
  const file = join(target, "mcp-estate");
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  // Built beside its place and renamed: of two builds at once one wins, and none is seen half done.
  const staging = mkdtempSync(join(folder, "building-"));
  try {
    await bundle(staging);
    const { version } = JSON.parse(readFileSync(join(PACK, "package.json"), "utf8")) as { version: string };
    // @pulumi/policy asks the folder that it runs in for the pack's version.
    writeFileSync(join(staging, "package.json"), JSON.stringify({ version }));
    writeFileSync(join(staging, "mcp-estate"), starter(target), { mode: 0o755 });
    renameSync(staging, target);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(codeOf(error) ?? "")) throw error;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return file;
}

function starter(target: string): string {
  return [
    "#!/bin/sh",
    `cd ${quoted(target)}`,
    `export NODE_COMPILE_CACHE=${quoted(join(target, "compile-cache"))}`,
    `exec ${quoted(process.execPath)} pack.cjs "$@"`,
    "",
  ].join("\n");
}

async function bundle(outdir: string): Promise<void> {
  const { bundleForNode } = await import("../../../offline/bundle.ts");
  // An engine that was killed would leave it running for ever.
  const contents = `import "./swift.ts"; import "./${ENTRY}"; import { endWithEngine } from "../${END}"; endWithEngine();`;
  // @pulumi/pulumi loads both for functions that go into a state; a policy makes none.
  await bundleForNode({ stdin: { contents, resolveDir: PACK }, outfile: join(outdir, "pack.cjs") }, [
    "typescript",
    "@npmcli/arborist",
  ]);
}

/** Of all that goes in, wherever the project lies. */
function sourcesHash(): string {
  const hash = createHash("sha256").update(process.execPath);
  const sources = globSync("policy/**/*.{ts,json}", { cwd: projectDir }).sort();
  for (const file of [...sources, END, "components/naming.ts", "package-lock.json"]) {
    hash.update(file).update(readFileSync(join(projectDir, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Under a name made from its content, so that two commands at once need not agree on one. */
function keptConfig(folder: string, config: object): string {
  const content = JSON.stringify(config);
  const file = join(folder, `config-${createHash("sha256").update(content).digest("hex").slice(0, 16)}.json`);
  if (!existsSync(file)) writeFileSync(file, content);
  return file;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
