import { openEnvironments, parseYaml, partsOfName, plainOf, type Opened } from "../../../../scripts/lib/esc/index.ts";
import { UserError } from "../../../../scripts/lib/userError.ts";

/** Opens environments that stand in a test, by name: text of YAML. */
export function openHere(
  files: Readonly<Record<string, string>>,
  environment: unknown,
  secrets: Readonly<Record<string, string>> = {},
): Opened {
  return openEnvironments(environment, "stack", {
    locate(fullName) {
      const { project, name } = partsOfName(fullName);
      const place = project === undefined ? name : `${project}/${name}`;
      if (files[place] === undefined) throw new UserError(`environment "${fullName}" is not defined here`);
      return place;
    },
    read: (place) => parseYaml(files[place] ?? "", place),
    secret: (name) => secrets[name],
  });
}

/** What one definition gives, as plain data. */
export function valuesOf(text: string, secrets?: Readonly<Record<string, string>>): unknown {
  return plainOf(openHere({ env: text }, ["env"], secrets).value);
}
