import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import { consent } from "../ask.ts";
import { getReady } from "../deploy.ts";
import { ensureDocker } from "../docker.ts";
import { ensureBaseImageTool } from "../dockerInstall.ts";
import { sayer } from "../log.ts";
import { projectDir } from "../paths.ts";
import { prepareEngine, type Prepared } from "../prepare.ts";
import { ensureStack } from "../stack.ts";
import { requireStackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";
import {
  definedValues,
  isSettings,
  merged,
  UNKNOWN,
  type EnvironmentValues,
  type Settings,
} from "./environmentValues.ts";
import { fillPlaceholders, type Schema } from "./placeholders.ts";

/** What a preview of a stack needs, environments and placeholders resolved. */
export interface Resolved {
  prepared: Prepared;
  /** Further arguments of the engine. */
  args: string[];
  /** Path → placeholder, of all that stand for something. */
  placeholders: ReadonlyMap<string, unknown>;
}

export interface ResolveOptions {
  stack: string;
  /** Put placeholders where a value is not at hand. */
  usePlaceholders: boolean;
  flags: ReadonlySet<string>;
  /** @default the definitions in esc/, with nothing evaluated */
  environmentValues?: EnvironmentValues;
}

/**
 * Gets ready to preview. A stack file with `environment:` is an error to every backend but Pulumi Cloud, so there the
 * engine gets a generated one with the environment's values in it. With placeholders, a stack whose passphrase is not
 * here is previewed against an empty state, as if it were deployed for the first time.
 * @throws UserError for a value that is not at hand, by name, unless placeholders are wanted.
 */
export async function withResolvedSettings<T>(
  options: ResolveOptions,
  work: (resolved: Resolved) => Promise<T>,
): Promise<T> {
  const { stack, usePlaceholders, flags, environmentValues = definedValues } = options;
  const stackFile = requireStackFile(projectDir, stack);
  const content = (parse(readFileSync(stackFile.file, "utf8")) ?? {}) as Settings;
  const opened = await prepareEngine({ stack, onMissingPassphrase: "leaveUnset" });
  const isCloud = /^https?:/.test(opened.env["PULUMI_BACKEND_URL"] ?? "https:");
  const isLocked =
    stackFile.hasSalt &&
    opened.env["PULUMI_CONFIG_PASSPHRASE"] === undefined &&
    !opened.env["PULUMI_CONFIG_PASSPHRASE_FILE"];
  const needsFile = (content["environment"] !== undefined && !isCloud) || (usePlaceholders && isLocked);
  if (!needsFile) return work({ prepared: await getReady({ stack, flags }), args: [], placeholders: new Map() });

  const given = merged([environmentValues(projectDir, content["environment"]), stackFile.config]);
  if (!usePlaceholders) requireKnown(given, stack);
  const { settings, placeholders } = fillPlaceholders(given, settingsSchema(), isLocked);
  const { environment: _, ...rest } = content;
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-settings-"));
  try {
    const file = join(folder, `Pulumi.${stack.split("/").at(-1) ?? stack}.yaml`);
    // Without the salt no passphrase is asked for; nothing encrypted is left then.
    if (isLocked) delete rest["encryptionsalt"];
    writeFileSync(file, stringify({ ...rest, config: settings }), { mode: 0o600 });
    const prepared = isLocked ? await inEmptyState(folder, stack, opened) : await getReady({ stack, flags });
    return await work({ prepared, args: ["--config-file", file], placeholders });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A state of its own in `folder`, with the stack in it and nothing else. */
async function inEmptyState(folder: string, stack: string, opened: Prepared): Promise<Prepared> {
  const env = {
    ...opened.env,
    PULUMI_BACKEND_URL: pathToFileURL(folder).href,
    PULUMI_CONFIG_PASSPHRASE: "placeholder",
  };
  const prepared = { ...opened, env };
  const say = sayer("docker");
  await ensureDocker({ say, consent: consent(false) });
  if (!prepared.engine.official) await ensureBaseImageTool({ env, say, consent: consent(false) });
  copyFileSync(join(projectDir, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  await ensureStack(prepared, folder, stack, sayer("stack"));
  sayer("stack")(`the passphrase of stack "${stack}" is not here: previewed as if nothing were deployed`);
  return prepared;
}

/** @throws UserError that names every value that is not at hand. */
function requireKnown(settings: Settings, stack: string): void {
  const unknown: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (value === UNKNOWN) unknown.push(path);
    else if (isSettings(value))
      for (const [key, inner] of Object.entries(value)) look(inner, path === "" ? key : `${path}.${key}`);
  };
  look(settings, "");
  if (unknown.length === 0) return;
  throw new UserError(
    `stack "${stack}" takes ${unknown.join(", ")} from an environment, and ${unknown.length === 1 ? "its value is" : "their values are"} not at hand here: log in to Pulumi Cloud, or look with npm run preview -- --stack ${stack} --placeholders`,
  );
}

/** The schema that editors use too; made from the program's own. */
function settingsSchema(): Schema {
  const schema = JSON.parse(readFileSync(join(projectDir, "docs/estate.schema.json"), "utf8")) as Schema;
  return schema.properties?.["config"] ?? {};
}
