import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Decrypter, Encrypter, identityToRecipient } from "age-encryption";
import { makeIdentity, readIdentity } from "../ageIdentity.ts";
import type { Environment } from "../exec.ts";
import { configDir } from "../paths.ts";

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
  const place = {
    file,
    of: "the backups",
    remedy: `put the one that they were made with into ${file}, or name it with MCP_ESTATE_BACKUP_KEY_FILE`,
  };
  const isNew = mode === "make" && (await makeIdentity(place));
  return keyOf(readIdentity(place), file, isNew);
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
