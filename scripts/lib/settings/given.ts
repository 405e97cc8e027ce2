import { definitionFiles } from "../esc/files.ts";
import { givenTo, isList, isObject, openEnvironments, textOf, UNKNOWN, type Opened, type Value } from "../esc/index.ts";
import { projectName } from "../projectName.ts";
import { UserError } from "../userError.ts";
import { SecretValue, type Settings } from "./tree.ts";

/** What the environments of a stack file give to an operation of the engine. */
export interface Given {
  /** `pulumiConfig`, by full key. */
  config: Settings;
  /** `environmentVariables` of the engine. */
  variables: Readonly<Record<string, string>>;
  /** `files`: variable → content of the file whose path it is to hold. */
  files: Readonly<Record<string, string>>;
  /** One line for each thing that is not at hand here. */
  unavailable: readonly string[];
  /** Names of all secrets that the environments ask for. */
  secrets: readonly string[];
  /** All environments, each after those that it refers to. */
  environments: Opened["environments"];
}

export interface GivenOptions {
  /** Folder of the project. */
  project: string;
  /** Name of the stack file, for messages. */
  stackFile: string;
  /** Its `environment:`, names or an inline definition; undefined where there is none. */
  environment: unknown;
  secrets: ReadonlyMap<string, string>;
}

/**
 * Opens the environments of a stack file as Pulumi Cloud would, from the definitions in `esc/` and the secrets of this
 * machine.
 * @throws UserError in one line for anything wrong in a definition.
 */
export function openHere({ project, stackFile, environment, secrets }: GivenOptions): Given {
  if (environment === undefined || environment === null) {
    return { config: {}, variables: {}, files: {}, unavailable: [], secrets: [], environments: [] };
  }
  const asked = new Set<string>();
  const opened = openEnvironments(environment, stackFile, {
    ...definitionFiles(project),
    secret(name) {
      asked.add(name);
      return secrets.get(name);
    },
  });
  const own = projectName(project);
  const config = [...givenTo("pulumiConfig", opened)].map(([key, value]): [string, unknown] => [
    key.includes(":") ? key : `${own}:${key}`,
    settingOf(value),
  ]);
  return {
    config: Object.fromEntries(config),
    variables: textsOf("environmentVariables", givenTo("environmentVariables", opened)),
    files: textsOf("files", givenTo("files", opened)),
    unavailable: opened.unavailable,
    secrets: [...asked].sort(),
    environments: opened.environments,
  };
}

function settingOf(value: Value, isSecret = false): unknown {
  const secret = isSecret || value.secret;
  if (isList(value)) return value.data.map((item) => settingOf(item, secret));
  if (isObject(value)) {
    return Object.fromEntries([...value.data].map(([key, inner]) => [key, settingOf(inner, secret)]));
  }
  const { data } = value;
  return secret && data !== UNKNOWN && data !== null ? new SecretValue(textOf(value)) : data;
}

/** Scalars as texts. What is unknown is left out: it is told by `unavailable`. */
function textsOf(consumer: string, values: ReadonlyMap<string, Value>): Record<string, string> {
  const nested = [...values].find(([, value]) => isList(value) || isObject(value))?.[0];
  if (nested !== undefined) {
    throw new UserError(
      `values.${consumer}.${nested} is a list or an object; allowed is text, a number or a truth value: fn::toJSON makes a text`,
    );
  }
  const known = [...values].filter(([, { data }]) => data !== UNKNOWN && data !== null);
  return Object.fromEntries(known.map(([name, value]) => [name, textOf(value)]));
}
