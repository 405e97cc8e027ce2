import { z } from "zod";

/**
 * One fault that a schema found, in words: key, value given unless it is a secret, what is allowed.
 * For example `mcp-estate:servers.memory.limits.memoryMiB: -5 given; Too small: expected number to be >=16`.
 * @param schema of the whole settings.
 */
export function describeIssue(
  given: z.core.$ZodIssue,
  settings: unknown,
  schema: z.ZodType,
  namespace: string,
): string {
  const issue = withinUnion(given);
  const key = `${namespace}:${issue.path.map(String).join(".")}`;
  if (issue.code === "unrecognized_keys") {
    return `${key}${issue.path.length > 0 ? "." : ""}${issue.keys.join(", ")}: unknown key; ${allowedKeys(issue.path, schema)}`;
  }
  let value: unknown = settings;
  for (const part of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
  const shown = value === undefined ? "nothing" : issue.path.some(isSecretKey) ? "a secret" : inClear(value);
  return `${key}: ${shown} given; ${issue.message}`;
}

/** Of a value that fits none of several forms: what is wrong with it in the form that it was meant to have. */
function withinUnion(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const meant = issue.errors.map(([first]) => first).find((first) => first && !isOtherForm(first));
  return meant ? withinUnion({ ...meant, path: [...issue.path, ...meant.path] }) : issue;
}

function isOtherForm({ code, path }: z.core.$ZodIssue): boolean {
  return (code === "invalid_type" || code === "invalid_value") && path.length === 0;
}

/** Encrypted settings arrive here decrypted and must not reach a message. */
function inClear(value: unknown): string {
  return JSON.stringify(value, (name, inner: unknown) => (isSecretKey(name) ? "secret" : inner));
}

const SECRET_KEYS: ReadonlySet<PropertyKey> = new Set([
  ...["secretEnv", "secrets", "tls", "webhookUrl", "chatUrl", "password", "login", "headers"],
]);

/** Settings whose values are secrets, or have one beside them. */
function isSecretKey(name: PropertyKey): boolean {
  return SECRET_KEYS.has(name);
}

function allowedKeys(path: readonly PropertyKey[], settings: z.ZodType): string {
  let schema = settings;
  for (const part of path) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodArray) schema = schema.element as z.ZodType;
    else if (schema instanceof z.ZodRecord) schema = schema.valueType as z.ZodType;
    else if (schema instanceof z.ZodObject) schema = schema.shape[String(part)] as z.ZodType;
  }
  schema = unwrap(schema);
  return schema instanceof z.ZodObject ? `allowed are ${Object.keys(schema.shape).join(", ")}` : "none is allowed here";
}

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap() as z.ZodType;
  }
  // Of several forms only one has keys.
  if (inner instanceof z.ZodUnion) return unwrap(inner.options.find(hasKeys) as z.ZodType);
  return inner;
}

function hasKeys(schema: unknown): boolean {
  return schema instanceof z.ZodObject || schema instanceof z.ZodRecord;
}
