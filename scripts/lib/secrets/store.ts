import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Decrypter, Encrypter, identityToRecipient } from "age-encryption";
import { z } from "zod";
import { makeIdentity, readIdentity, type IdentityFile } from "../ageIdentity.ts";
import type { Environment } from "../exec.ts";
import { withFileLock } from "../fileLock.ts";
import type { Owner } from "../leftOvers.ts";
import { sayer } from "../log.ts";
import { configDir } from "../paths.ts";
import { UserError } from "../userError.ts";

/** Name → value. */
export type Secrets = ReadonlyMap<string, string>;

const contentSchema = z.record(z.string(), z.string());

/** The secrets of a stack on this machine: one file, sealed with age. */
export function secretsFile({ estate, stack }: Owner, env: Environment = process.env): string {
  return join(configDir(env), "secrets", `${estate}-${stack}.age`);
}

/** The key of all such files of a user. */
export function secretsKeyFile(env: Environment = process.env): string {
  return env["MCP_ESTATE_SECRETS_KEY_FILE"] || join(configDir(env), "secrets-key");
}

/**
 * Opens the secrets of a stack; there are none where there is no file.
 * @throws UserError when its key is not here or not the one that it was sealed with.
 */
export async function readSecrets(owner: Owner, env: Environment = process.env): Promise<Secrets> {
  const file = secretsFile(owner, env);
  if (!existsSync(file)) return new Map();
  const key = keyPlace(env);
  const decrypter = new Decrypter();
  decrypter.addIdentity(readIdentity(key));
  try {
    const text = await decrypter.decrypt(readFileSync(file), "text");
    return new Map(Object.entries(contentSchema.parse(JSON.parse(text))));
  } catch {
    // What the parser says could quote a value.
    throw new UserError(
      `${file} cannot be opened with ${key.file}: it was sealed with another key, or damaged; ${key.remedy}`,
    );
  }
}

/**
 * Changes the secrets of a stack: the old file or the new one, never half of it. Makes the key where there is none.
 * @returns whether the key was made now.
 */
export async function changeSecrets(
  owner: Owner,
  change: (secrets: Map<string, string>) => void,
  env: Environment = process.env,
): Promise<boolean> {
  const file = secretsFile(owner, env);
  const key = keyPlace(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  return withFileLock(`${file}.lock`, sayer("secret"), async () => {
    // Of a sealed file the key is somewhere: a new one would be the wrong one.
    const isNew = !existsSync(file) && (await makeIdentity(key));
    const secrets = new Map(await readSecrets(owner, env));
    change(secrets);
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(readIdentity(key)));
    await replaceWhole(file, await encrypter.encrypt(JSON.stringify(Object.fromEntries([...secrets].sort()))));
    return isNew;
  });
}

function keyPlace(env: Environment): IdentityFile {
  const file = secretsKeyFile(env);
  return {
    file,
    of: "the secrets",
    remedy: `put the one that they were sealed with into ${file}, or name it with MCP_ESTATE_SECRETS_KEY_FILE; npm run restore -- --state brings both from a backup`,
  };
}

async function replaceWhole(file: string, data: Uint8Array): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
