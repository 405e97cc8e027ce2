import { UNKNOWN } from "../esc/index.ts";
import { isSealed, isSettings, SecretValue, type Settings } from "./tree.ts";

/** A part of a JSON Schema, as far as placeholders need it. */
export interface Schema {
  type?: string;
  format?: string;
  enum?: readonly unknown[];
  minimum?: number;
  exclusiveMinimum?: number;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  anyOf?: readonly Schema[];
  additionalProperties?: Schema | boolean;
}

export interface Filled {
  settings: Settings;
  /** Path → placeholder, of all that stand for something. */
  placeholders: ReadonlyMap<string, unknown>;
}

/**
 * Puts values of the right type in the place of those that are not at hand.
 * @param schema of the settings, by full key.
 * @param secrets whether encrypted values cannot be opened either.
 */
export function fillPlaceholders(settings: Settings, schema: Schema, secrets: boolean): Filled {
  const placeholders = new Map<string, unknown>();
  const fill = (value: unknown, part: Schema | undefined, path: string): unknown => {
    if (value === UNKNOWN || (secrets && isSealed(value))) {
      const placeholder = placeholderFor(part, path);
      placeholders.set(path, placeholder);
      return placeholder;
    }
    // Nothing can be encrypted either, and the placeholder's own estate is no place for the value.
    if (secrets && value instanceof SecretValue) return fill(UNKNOWN, part, path);
    if (Array.isArray(value)) return value.map((item, index) => fill(item, undefined, `${path}[${index}]`));
    if (!isSettings(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        fill(inner, member(part, key), path === "" ? key : `${path}.${key}`),
      ]),
    );
  };
  return { settings: fill(settings, schema, "") as Settings, placeholders };
}

/** Whether the program keeps secret what is given there: the schema knows the encrypted form. */
export function takesSecret(schema: Schema | undefined): boolean {
  return schema?.required?.includes("secure") === true || schema?.anyOf?.some(takesSecret) === true;
}

/** The part of a schema that is of one key; undefined where it has nothing to say. */
export function member(schema: Schema | undefined, key: string): Schema | undefined {
  const values = schema?.additionalProperties;
  return schema?.properties?.[key] ?? (typeof values === "object" ? values : undefined);
}

/** Of the schema's type and within its bounds; text says what it stands for. */
function placeholderFor(schema: Schema | undefined, path: string): unknown {
  if (schema?.enum) return schema.enum[0];
  if (takesSecret(schema)) return textFor(path);
  switch (schema?.type) {
    case "integer":
      return Math.max(1, schema.minimum ?? 1);
    case "number":
      return Math.max(1, schema.minimum ?? schema.exclusiveMinimum ?? 1);
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return {};
    default:
      // A loopback address, which asks for no TLS, and which nobody takes for a real one.
      return schema?.format === "ipv4" ? "127.0.0.99" : textFor(path);
  }
}

function textFor(path: string): string {
  return `PLACEHOLDER-${path.replace(/\W+/g, "-")}`;
}
