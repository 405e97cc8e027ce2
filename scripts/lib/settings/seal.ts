import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { capture } from "../exec.ts";
import { projectDir } from "../paths.ts";
import type { Prepared } from "../prepare.ts";
import { UserError } from "../userError.ts";
import { isSealed, mapLeaves, pathInWords, SecretValue, type Settings } from "./tree.ts";

export interface SealOptions {
  prepared: Prepared;
  stack: string;
  /** What only this user can read. */
  folder: string;
  /** Settings of the stack's last version, encrypted as they were; undefined where there is none. */
  last: Settings | undefined;
}

/**
 * Writes a stack file whose secrets the engine has encrypted with the stack's own secrets provider; no value in clear is
 * ever in it. A value that the last version had keeps the form that it had there, so that the history shows a change
 * only where there is one.
 * @param content the stack file but for its settings.
 * @throws UserError with the engine's reason.
 */
export async function writeSealed(
  file: string,
  content: Settings,
  settings: Settings,
  options: SealOptions,
): Promise<void> {
  const secrets = secretsIn(settings);
  const known = secrets.length > 0 ? await sealedBefore(content, options) : [];
  const left: Leaf[] = [];
  const config = mapLeaves(settings, (leaf, path) => {
    if (!(leaf instanceof SecretValue)) return leaf;
    const same = known.find((each) => samePath(each.path, path) && each.value === leaf.value);
    if (same !== undefined) return same.sealed;
    left.push({ path, value: leaf.value });
    return "";
  });
  writeFileSync(file, stringify({ ...content, config }), { mode: 0o600 });
  // One after the other: each writes the file anew.
  for (const leaf of left) await seal(file, leaf, options);
  requireAllSealed(file, left);
}

type Path = ReadonlyArray<string | number>;
interface Leaf {
  path: Path;
  value: string;
}

function secretsIn(settings: Settings): Leaf[] {
  const found: Leaf[] = [];
  mapLeaves(settings, (leaf, path) => {
    if (leaf instanceof SecretValue) found.push({ path, value: leaf.value });
  });
  return found;
}

/** Over standard input: a command line can be read by everybody on the machine. */
async function seal(file: string, { path, value }: Leaf, { prepared, stack }: SealOptions): Promise<void> {
  const args = ["config", "set", "--secret", "--raw", "--path", keyOf(path), "--config-file", file];
  const { code, stderr } = await capture(prepared.engine.file, [...args, "--stack", stack, "--non-interactive"], {
    cwd: projectDir,
    env: prepared.env,
    input: value,
  });
  if (code !== 0) throw new UserError(`${pathInWords(path)} cannot be encrypted: ${stderr.trim()}`);
}

/** `mcp-estate:servers["memory"].secretEnv["TOKEN"]`: quoted, whatever the names hold. */
function keyOf([key, ...rest]: Path): string {
  const steps = rest.map((step) => (typeof step === "number" ? `[${step}]` : `[${JSON.stringify(step)}]`));
  const [namespace = "", name = ""] = String(key).split(/:(.*)/s);
  return `${namespace}:${/^[\w-]+$/.test(name) ? name : `[${JSON.stringify(name)}]`}${steps.join("")}`;
}

function requireAllSealed(file: string, leaves: readonly Leaf[]): void {
  const { config } = parse(readFileSync(file, "utf8")) as { config: unknown };
  const open = leaves.find(({ path }) => !isSealed(at(config, path)));
  if (open !== undefined) throw new UserError(`${pathInWords(open.path)} cannot be encrypted: the engine left it open`);
}

const shownSchema = z.record(
  z.string(),
  z.object({ value: z.string().optional(), objectValue: z.unknown().optional() }),
);

/** What the last version had encrypted, opened by the engine; nothing where it cannot be opened any more. */
async function sealedBefore(
  content: Settings,
  { prepared, stack, folder, last }: SealOptions,
): Promise<Array<Leaf & { sealed: { secure: string } }>> {
  const places: Array<{ path: Path; sealed: { secure: string } }> = [];
  mapLeaves(last ?? {}, (leaf, path) => isSealed(leaf) && places.push({ path, sealed: leaf }));
  if (places.length === 0) return [];
  const file = join(folder, "last.yaml");
  writeFileSync(file, stringify({ ...content, config: last }), { mode: 0o600 });
  const args = ["config", "--show-secrets", "--json", "--config-file", file, "--stack", stack, "--non-interactive"];
  const { code, stdout } = await capture(prepared.engine.file, args, { cwd: projectDir, env: prepared.env });
  if (code !== 0) return [];
  const shown = shownSchema.parse(JSON.parse(stdout));
  return places.flatMap(({ path, sealed }) => {
    const [key, ...rest] = path;
    const top = shown[String(key)];
    const value = rest.length === 0 ? top?.value : at(top?.objectValue, rest);
    return typeof value === "string" ? [{ path, sealed, value }] : [];
  });
}

function at(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined),
    tree,
  );
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((step, i) => step === b[i]);
}
