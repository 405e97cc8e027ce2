import { readFileSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { ServerContract } from "../contract/index.ts";
import type { ChildSpec } from "./childProcess.ts";

/** A secret or a setting that the server needs and does not have (R-HLT-09). */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

function readSecret(variable: string, file: string, secretsDir: string): string {
  const path = resolve(secretsDir, file);
  if (!path.startsWith(resolve(secretsDir) + sep)) {
    throw new ConfigurationError(`secretEnv.${variable}: ${JSON.stringify(file)} is outside of ${secretsDir}`);
  }
  try {
    // editors and shells end a file with a newline that is no part of the secret
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ConfigurationError(`secretEnv.${variable}: the secret file ${path} cannot be read (${code})`);
  }
}

/** Secret values of the child by variable. Throws ConfigurationError that names variable and file. */
export function readSecrets(contract: ServerContract, secretsDir: string): Record<string, string> {
  const entries = Object.entries(contract.secretEnv);
  return Object.fromEntries(entries.map(([variable, file]) => [variable, readSecret(variable, file, secretsDir)]));
}

/**
 * Command and environment of the child: exactly what the contract says, and what the image gives where the contract says so.
 * @param own environment of this process.
 */
export function childSpec(
  { command, cwd, env, imageEnv = false }: ServerContract,
  secrets: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string | undefined>> = process.env,
): ChildSpec & { env: Record<string, string> } {
  const given = imageEnv ? Object.entries(own).filter((each): each is [string, string] => each[1] !== undefined) : [];
  return { command, cwd, env: { ...Object.fromEntries(given), ...env, ...secrets } };
}

/** Shorter ones would mask ordinary text. */
const SHORTEST_MASKED = 6;
const SHORTEST_MASKED_LINE = 16;

/** Replaces secret values in a line before it is logged, in the ways in which programs print what they were given. */
export function redactor(secrets: Readonly<Record<string, string>>): (line: string) => string {
  const forms = Object.values(secrets)
    .filter((value) => value.length >= SHORTEST_MASKED)
    .flatMap(printedForms);
  // The longest first: one form may be a part of another.
  const ordered = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return (line) => ordered.reduce((text, form) => text.replaceAll(form, "[secret]"), line);
}

/** As it is, line by line (a key in PEM), within JSON or a URL, and in base64. */
function printedForms(value: string): string[] {
  const lines = value.split(/\r?\n/).filter((line) => line.length >= SHORTEST_MASKED_LINE);
  const base64 = Buffer.from(value).toString("base64");
  return [value, ...lines, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), base64];
}
