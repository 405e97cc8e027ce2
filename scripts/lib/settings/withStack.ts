import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { consent } from "../ask.ts";
import { getReady } from "../deploy.ts";
import { ensureDocker } from "../docker.ts";
import { ensureBaseImageTool } from "../dockerInstall.ts";
import { isPulumiCloud } from "../environment.ts";
import { readLastSettings } from "../history/index.ts";
import { ownerOf } from "../leftOvers.ts";
import { sayer } from "../log.ts";
import { projectDir } from "../paths.ts";
import { prepareEngine, type Prepared } from "../prepare.ts";
import { projectName } from "../projectName.ts";
import { readSecrets, type Secrets } from "../secrets/store.ts";
import { ensureStack } from "../stack.ts";
import { requireStackFile, type StackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";
import { openHere, type Given } from "./given.ts";
import { refuseMisplacedSecrets } from "./misplaced.ts";
import { fillPlaceholders, type Schema } from "./placeholders.ts";
import { withPrivateFolder } from "./privateFolder.ts";
import { writeSealed } from "./seal.ts";
import { merged, type Settings } from "./tree.ts";

/** A stack that the engine can work on, its environments resolved. */
export interface ReadyStack {
  /** Its environment has the variables that the stack's environments give. */
  prepared: Prepared;
  /** The stack's settings as the engine gets them. */
  stackFile: StackFile;
  /** The file in the place of the stack's own, where one is needed. */
  configFile: string | undefined;
  /** The same as arguments of the engine. */
  args: readonly string[];
  /** Path → placeholder, of all that stand for something. */
  placeholders: ReadonlyMap<string, unknown>;
}

export interface WithStackOptions {
  stack: string;
  flags: ReadonlySet<string>;
  /**
   * What to do about a value that is not at hand: `refuse`; `fill` in a placeholder, for an operation that asks for no
   * values; `preview` with placeholders, of a stack whose passphrase is not here too.
   * @default "refuse"
   */
  missing?: "refuse" | "fill" | "preview";
}

/**
 * Gets a stack ready for an operation of the engine. Pulumi Cloud opens `environment:` itself; to every other backend it
 * is an error, so there the engine gets a stack file, generated for the moment, with what the environments give. Its
 * secrets are encrypted like the stack's own. With `preview`, a stack whose passphrase is not here is shown against an
 * empty state, as if it were deployed for the first time.
 * @throws UserError for a value that is not at hand, by name.
 */
export async function withStack<T>(options: WithStackOptions, work: (ready: ReadyStack) => Promise<T>): Promise<T> {
  const { stack, flags, missing = "refuse" } = options;
  const own = requireStackFile(projectDir, stack);
  const { environment, ...content } = (parse(readFileSync(own.file, "utf8")) ?? {}) as Settings;
  const isOpenedHere = environment !== undefined && !isPulumiCloud(process.env);
  const isLocked = missing === "preview" && (await isWithoutPassphrase(own, stack));
  if (!isOpenedHere && !isLocked) {
    const prepared = await getReady({ stack, flags });
    return work({ prepared, stackFile: own, configFile: undefined, args: [], placeholders: new Map() });
  }
  const given = await open(own, stack, isOpenedHere ? environment : undefined, missing);
  if (missing === "refuse") requireAll(given, stack);
  const settings = merged([given.config, own.config]);
  const schema = settingsSchema();
  refuseMisplacedSecrets(settings, schema, projectName(projectDir));
  // An operation that asks for no values gets none of the secrets either.
  const filled = fillPlaceholders(settings, schema, isLocked || missing === "fill");
  return withPrivateFolder(async (folder) => {
    const ready = isLocked ? await inEmptyState(folder, stack) : await getReady({ stack, flags });
    const prepared = withVariables(ready, given, folder);
    const file = join(folder, basename(own.file));
    // Making the stack may have written its salt. Without one no passphrase is asked for, and nothing encrypted is left.
    const { environment: _, ...rest } = isLocked ? content : (parse(readFileSync(own.file, "utf8")) as Settings);
    if (isLocked) delete rest["encryptionsalt"];
    const last = isLocked ? undefined : readLastSettings(prepared, stack);
    await writeSealed(file, rest, filled.settings, { prepared, stack, folder, last });
    const stackFile = requireStackFile(projectDir, stack, file);
    const args = ["--config-file", file];
    return work({ prepared, stackFile, configFile: file, args, placeholders: filled.placeholders });
  });
}

/** What the environments of a stack give here. */
export async function givenToStack(stack: string): Promise<Given> {
  const own = requireStackFile(projectDir, stack);
  const { environment } = (parse(readFileSync(own.file, "utf8")) ?? {}) as Settings;
  return open(own, stack, environment, "refuse");
}

async function open(
  own: StackFile,
  stack: string,
  environment: unknown,
  missing: WithStackOptions["missing"],
): Promise<Given> {
  const stackFile = basename(own.file);
  let secrets: Secrets = new Map();
  try {
    if (environment !== undefined) secrets = await readSecrets(ownerOf(projectDir, stack));
  } catch (error) {
    // Secrets whose key is lost are missing like any other value.
    if (missing === "refuse" || !(error instanceof UserError)) throw error;
  }
  return openHere({ project: projectDir, stackFile, environment, secrets });
}

async function isWithoutPassphrase(own: StackFile, stack: string): Promise<boolean> {
  if (!own.hasSalt) return false;
  const { env } = await prepareEngine({ stack, onMissingPassphrase: "leaveUnset" });
  return env["PULUMI_CONFIG_PASSPHRASE"] === undefined && !env["PULUMI_CONFIG_PASSPHRASE_FILE"];
}

/** @throws UserError with one line that names everything that is not at hand. */
function requireAll({ unavailable }: Given, stack: string): void {
  if (unavailable.length === 0) return;
  const what = unavailable.length === 1 ? "one thing that is" : `${unavailable.length} things that are`;
  throw new UserError(
    `the environments of stack "${stack}" need ${what} not at hand here: ${unavailable.join("; ")}. npm run secret -- set NAME --stack ${stack} sets a secret; npm run preview -- --stack ${stack} --placeholders goes without`,
  );
}

/** Variables for the engine and its plugins; a file's variable holds its path. */
function withVariables(prepared: Prepared, { variables, files }: Given, folder: string): Prepared {
  const paths = Object.entries(files).map(([variable, content], i): [string, string] => {
    const file = join(folder, `file-${i}`);
    writeFileSync(file, content, { mode: 0o600 });
    return [variable, file];
  });
  return { ...prepared, env: { ...prepared.env, ...variables, ...Object.fromEntries(paths) } };
}

/** A state of its own in `folder`, with the stack in it and nothing else. */
async function inEmptyState(folder: string, stack: string): Promise<Prepared> {
  const opened = await prepareEngine({ stack, onMissingPassphrase: "leaveUnset" });
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

/** The schema that editors use too; made from the program's own. */
function settingsSchema(): Schema {
  const schema = JSON.parse(readFileSync(join(projectDir, "docs/estate.schema.json"), "utf8")) as Schema;
  return schema.properties?.["config"] ?? {};
}
