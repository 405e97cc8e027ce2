import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UserError } from "../userError.ts";

export type Settings = Record<string, unknown>;

/** Stands for a value that an environment gives and that is not known here. */
export const UNKNOWN = Symbol("a value that is not at hand");

/**
 * What the environments of a stack file give as settings, by full key; UNKNOWN where a value is a secret or the result
 * of a function. The one door through which environments come: whoever can open them fully takes this function's place.
 * @param environment the stack file's `environment:`, names or an inline definition.
 * @throws UserError for an environment that is nowhere defined.
 */
export type EnvironmentValues = (project: string, environment: unknown) => Settings;

const definitionSchema = z.looseObject({
  imports: z.array(z.union([z.string(), z.record(z.string(), z.unknown())])).default([]),
  values: z.looseObject({ pulumiConfig: z.record(z.string(), z.unknown()).default({}) }).prefault({}),
});

/** Reads the definitions in `esc/NAME.yaml` and takes the plain values; nothing is evaluated. */
export const definedValues: EnvironmentValues = (project, environment) => {
  if (environment === undefined || environment === null) return {};
  if (Array.isArray(environment)) return merged(environment.map((name) => valuesOf(project, String(name), [])));
  return valuesIn(project, environment, "environment:", []);
};

function valuesOf(project: string, name: string, importers: readonly string[]): Settings {
  // ORGANIZATION/PROJECT/NAME@VERSION: the file is the environment's own.
  const own = name.split("@")[0]?.split("/").at(-1) ?? name;
  if (importers.includes(own))
    throw new UserError(`environment "${own}" imports itself: ${[...importers, own].join(" → ")}`);
  const path = join("esc", `${own}.yaml`);
  if (!existsSync(join(project, path))) {
    throw new UserError(
      `environment "${name}" is not defined here (no file ${path}); add it, or take it out of environment:`,
    );
  }
  return valuesIn(project, parse(readFileSync(join(project, path), "utf8")), path, [...importers, own]);
}

function valuesIn(project: string, definition: unknown, where: string, importers: readonly string[]): Settings {
  const read = definitionSchema.safeParse(definition);
  if (!read.success) throw new UserError(`${where} is no definition of an environment: ${z.prettifyError(read.error)}`);
  const { imports, values } = read.data;
  const names = imports.map((item) => (typeof item === "string" ? item : (Object.keys(item)[0] ?? "")));
  return merged([...names.map((name) => valuesOf(project, name, importers)), plain(values.pulumiConfig) as Settings]);
}

/** Literals as they are; what a function or a reference gives is UNKNOWN. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return value.includes("${") ? UNKNOWN : value;
  if (Array.isArray(value)) return value.map(plain).includes(UNKNOWN) ? UNKNOWN : value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.some(([key]) => key.startsWith("fn::"))) return UNKNOWN;
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}

/** JSON Merge Patch without removal: objects are merged, the last one wins. */
export function merged(parts: readonly Settings[]): Settings {
  const result: Settings = {};
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) {
      const known = result[key];
      result[key] = isSettings(known) && isSettings(value) ? merged([known, value]) : value;
    }
  }
  return result;
}

export function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
