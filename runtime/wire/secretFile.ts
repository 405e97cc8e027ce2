import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ContractError } from "./contractFile.ts";

/** Content of a file below SECRETS_DIR, trimmed. @throws ContractError that names the file, never its content. */
export function readSecretFile(secretsDir: string, name: string): string {
  const path = join(secretsDir, name);
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ContractError(`the secret file ${path} cannot be read (${code})`);
  }
}
