import { UserError } from "../userError.ts";
import { member, takesSecret, type Schema } from "./placeholders.ts";
import { mapLeaves, pathInWords, SecretValue, type Settings } from "./tree.ts";

type Path = ReadonlyArray<string | number>;

/**
 * A secret is kept secret only where the program expects one; elsewhere it would stand in clear in the state. Settings of
 * other namespaces are their providers' own.
 * @param namespace of the program's own settings: the project's name.
 * @throws UserError that names every secret in the wrong place.
 */
export function refuseMisplacedSecrets(settings: Settings, schema: Schema, namespace: string): void {
  const wrong: string[] = [];
  mapLeaves(settings, (leaf, path) => {
    if (leaf instanceof SecretValue && !(isForeign(path, namespace) || isForSecrets(schema, path)))
      wrong.push(pathInWords(path));
  });
  if (wrong.length === 0) return;
  throw new UserError(
    `${wrong.join(", ")}: a secret is given, and this setting is kept in clear; allowed are secretEnv of a server or a service, and settings of other namespaces`,
  );
}

function isForeign([key]: Path, namespace: string): boolean {
  return !String(key).startsWith(`${namespace}:`);
}

function isForSecrets(schema: Schema, path: Path): boolean {
  let part: Schema | undefined = schema;
  for (const step of path) part = typeof step === "string" ? member(part, step) : undefined;
  return takesSecret(part);
}
