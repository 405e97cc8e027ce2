import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { generateX25519Identity } from "age-encryption";
import { codeOf, messageOf, UserError } from "./userError.ts";

/** A file with one age identity, which `age -d -i FILE` takes as well. */
export interface IdentityFile {
  file: string;
  /** What it opens, for messages: "the backups". */
  of: string;
  /** What to do where it is missing. */
  remedy: string;
}

/**
 * Reads the identity.
 * @throws UserError when there is none.
 */
export function readIdentity({ file, of, remedy }: IdentityFile): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`the key of ${of} cannot be read (${messageOf(error)}): ${remedy}`);
  }
  const identity = /^AGE-SECRET-KEY-1\S+$/m.exec(text)?.[0];
  if (identity === undefined) throw new UserError(`${file} holds no key of ${of}: a line AGE-SECRET-KEY-1… is needed`);
  return identity;
}

/**
 * Makes one unless it is there, readable by its owner alone. Two at once: the first one's stays.
 * @returns whether it was made now.
 */
export async function makeIdentity({ file, of }: IdentityFile): Promise<boolean> {
  const identity = await generateX25519Identity();
  const text = `# key of ${of} of mcp-estate, made ${new Date().toISOString()}; opens them as: age -d -i THIS_FILE\n${identity}\n`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}
