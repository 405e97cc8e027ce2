import { UserError } from "../userError.ts";
import { readDefinition, type Definition } from "./definition.ts";
import { evaluate, type Surroundings } from "./evaluate.ts";
import { isObject, mergeOver, type Value } from "./value.ts";

export { SECRET_NAME } from "./evaluate.ts";
export { parseYaml } from "./definition.ts";
export { entriesOf, hasSecret, hasUnknown, isList, isObject, plainOf, textOf, UNKNOWN, type Value } from "./value.ts";

/** Where definitions and secret values come from. */
export interface Sources {
  /**
   * Where an environment is written, by its name; the same place for all ways to write that name.
   * @throws UserError when it is written nowhere.
   */
  locate(name: string): string;
  /** What is written there, parsed. */
  read(place: string): unknown;
  secret: Surroundings["secret"];
}

/** Environments as they are found open. */
export interface Opened {
  /** All values; UNKNOWN where something is not at hand. */
  value: Value;
  /** One line for each thing that is not at hand: where, what, what to do. */
  unavailable: readonly string[];
  /** Name and place of every environment that was opened, each after all that it refers to. */
  environments: ReadonlyArray<{ name: string; place: string }>;
}

/**
 * Opens what a stack file names in `environment:`, a list of names or an inline definition, as Pulumi Cloud does, as far
 * as that is possible without it. Versions (`NAME@3`) are Pulumi Cloud's; here each environment is as it is written now.
 * @param where the stack file.
 * @throws UserError in one line for anything wrong in a definition: file, path, what is allowed.
 */
export function openEnvironments(environment: unknown, where: string, sources: Sources): Opened {
  const inline = Array.isArray(environment) ? { imports: environment as unknown[] } : environment;
  const opening = new Opening(sources);
  const value = opening.open(readDefinition(inline, `${where}: environment`), `${where}: environment`, undefined);
  return { value, unavailable: [...opening.unavailable], environments: opening.environments };
}

/**
 * Takes `[[ORGANIZATION/]PROJECT/]NAME[@VERSION]` apart.
 * @throws UserError when it is no such name.
 */
export function partsOfName(fullName: string): { project: string | undefined; name: string } {
  const found = /^((?:\w[\w.-]*\/){0,2})(\w[\w.-]*)(?:@[\w.-]+)?$/.exec(fullName);
  if (found === null) {
    throw new UserError(`${JSON.stringify(fullName)} is no name of an environment; write PROJECT/NAME`);
  }
  const [, folders = "", name = ""] = found;
  return { project: folders.split("/").at(-2), name };
}

/** Each environment is evaluated once, however often it is imported. */
class Opening {
  readonly unavailable = new Set<string>();
  readonly environments: Array<{ name: string; place: string }> = [];
  private readonly done = new Map<string, Value>();
  /** Places of the environments that import one another, outermost first. */
  private readonly importers: string[] = [];
  private readonly sources: Sources;

  constructor(sources: Sources) {
    this.sources = sources;
  }

  /** @param name undefined: the stack file's own, which has none. */
  open(definition: Definition, where: string, name: string | undefined): Value {
    const imports = new Map<string, Value>();
    let base: Value | undefined;
    for (const each of definition.imports) {
      const value = this.named(each.name, `${where}: imports`);
      imports.set(each.name, value);
      if (each.merge) base = mergeOver(base, value);
    }
    return evaluate(definition, {
      where,
      base,
      imports: { data: imports, secret: false },
      name,
      environment: (other, at) => this.named(other, at),
      secret: (secret) => this.sources.secret(secret),
      unavailable: (text) => this.unavailable.add(text),
    });
  }

  private named(name: string, from: string): Value {
    let place: string;
    try {
      place = this.sources.locate(name);
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${from}: ${error.message}`) : error;
    }
    const known = this.done.get(place);
    if (known !== undefined) return known;
    const first = this.importers.indexOf(place);
    if (first >= 0) {
      const circle = [...this.importers.slice(first), place].join(" → ");
      throw new UserError(`${from}: environment "${name}" imports itself: ${circle}`);
    }
    this.importers.push(place);
    const value = this.open(readDefinition(this.sources.read(place), place), place, partsOfName(name).name);
    this.importers.pop();
    this.done.set(place, value);
    this.environments.push({ name, place });
    return value;
  }
}

/** What an environment gives to one consumer (`pulumiConfig`, `environmentVariables`, `files`), by name. */
export function givenTo(consumer: string, { value }: Opened): ReadonlyMap<string, Value> {
  const section = isObject(value) ? value.data.get(consumer) : undefined;
  if (section === undefined || section.data === null) return new Map();
  if (isObject(section)) return section.data;
  throw new UserError(`values.${consumer}: an object is needed`);
}
