import { chmodSync, existsSync, linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Environment } from "./exec.ts";
import type { Owner } from "./leftOvers.ts";
import { dataDir } from "./paths.ts";
import { UserError } from "./userError.ts";

/** What an update has written down before it disabled a script (components/providers/startScripts.ts). */
const journalSchema = z.array(z.object({ path: z.string(), mode: z.number() }));

export type DisabledScript = z.infer<typeof journalSchema>[number];

const SUFFIX = ".disabled";

export function journalFile({ estate, stack }: Owner, env: Environment = process.env): string {
  return join(dataDir(env), "disabled-scripts", `${estate}-${stack}.json`);
}

/** Scripts that updates of the stack have disabled. */
export function disabledScripts(journal: string): DisabledScript[] {
  return existsSync(journal) ? journalSchema.parse(JSON.parse(readFileSync(journal, "utf8"))) : [];
}

/**
 * Gives a script back its name and its permissions, and takes it out of the journal.
 * @returns false when the disabled file is gone and there is nothing to give back.
 * @throws UserError when a file of its name is there; nothing is overwritten.
 */
export function enableScript(journal: string, { path, mode }: DisabledScript): boolean {
  const disabled = path + SUFFIX;
  const isThere = existsSync(disabled);
  if (isThere) {
    if (existsSync(path)) throw new UserError(`${path} is there beside ${disabled}; remove one of the two`);
    chmodSync(disabled, mode);
    linkSync(disabled, path);
    unlinkSync(disabled);
  }
  const rest = disabledScripts(journal).filter((each) => each.path !== path);
  writeFileSync(`${journal}.partial`, `${JSON.stringify(rest, null, 2)}\n`);
  renameSync(`${journal}.partial`, journal);
  return isThere;
}
