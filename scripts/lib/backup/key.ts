import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import type { Environment } from "../exec.ts";
import { configDir } from "../paths.ts";
import { codeOf, messageOf, UserError } from "../userError.ts";

/** One age identity for all backups of a user; `age -d -i FILE` opens them without this program. */
export interface BackupKey {
  file: string;
  /** True when this call has made it. */
  isNew: boolean;
  seal(plain: Readable): Promise<Readable>;
  open(sealed: Readable): Promise<Readable>;
  /** Proves that whoever wrote a text has the identity: encrypting to it takes its public half only. */
  sign(text: string): string;
  isSigned(text: string, signature: string): boolean;
}

export function backupKeyFile(env: Environment = process.env): string {
  return env["MCP_ESTATE_BACKUP_KEY_FILE"] || join(configDir(env), "backup-key");
}

/**
 * Reads the key, or makes it where there is none.
 * @throws UserError when there is none and none is to be made, or when the file holds none.
 */
export async function backupKey(mode: "make" | "need", env: Environment = process.env): Promise<BackupKey> {
  const file = backupKeyFile(env);
  const isNew = mode === "make" && (await makeKeyFile(file));
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(
      `the key of the backups cannot be read (${messageOf(error)}): put the one that they were made with into ${file}, or name it with MCP_ESTATE_BACKUP_KEY_FILE`,
    );
  }
  const identity = /^AGE-SECRET-KEY-1\S+$/m.exec(text)?.[0];
  if (identity === undefined) {
    throw new UserError(`${file} holds no key of the backups: a line AGE-SECRET-KEY-1… is needed`);
  }
  return keyOf(identity, file, isNew);
}

async function keyOf(identity: string, file: string, isNew: boolean): Promise<BackupKey> {
  const recipient = await identityToRecipient(identity);
  const macKey = Buffer.from(hkdfSync("sha256", identity, "", "mcp-estate backup manifest", 32));
  const sign = (text: string): string => createHmac("sha256", macKey).update(text).digest("hex");
  return {
    file,
    isNew,
    async seal(plain) {
      const encrypter = new Encrypter();
      encrypter.addRecipient(recipient);
      return Readable.fromWeb(await encrypter.encrypt(Readable.toWeb(plain)));
    },
    async open(sealed) {
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      return Readable.fromWeb(await decrypter.decrypt(Readable.toWeb(sealed)));
    },
    sign,
    isSigned(text, signature) {
      const expected = Buffer.from(sign(text));
      const given = Buffer.from(signature);
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
  };
}

/** Readable by its owner alone. Two at once: the first one's stays. */
async function makeKeyFile(file: string): Promise<boolean> {
  const identity = await generateX25519Identity();
  const text = `# key of the backups of mcp-estate, made ${new Date().toISOString()}; opens them as: age -d -i THIS_FILE\n${identity}\n`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}
