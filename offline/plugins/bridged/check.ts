import type { CheckContext, CheckFailure, CheckResult } from "../resourceType.ts";
import type { Value, ValueMap } from "../values.ts";
import { isMap, isUnknown } from "../values.ts";
import { elementProperties, isEmpty, isInput } from "./schema.ts";
import type { Properties, Property } from "./schema.ts";

/** Says what is wrong with one property's value beyond its type, or nothing. */
export type Refusal = (inputs: ValueMap) => CheckFailure[];

/**
 * Checks inputs against the schema and fills in defaults the way the official plugins do: what was filled in is listed
 * in `__defaults`, for the resource and for each object in it, so that a later default can be told from a wish.
 *
 * Unknown values pass: they are checked again when they are known.
 */
export function checkInputs(
  inputs: ValueMap,
  properties: Properties,
  context: CheckContext,
  refuse: Refusal,
): CheckResult {
  const failures: CheckFailure[] = [];
  const checked = checkedObject(inputs, properties, "", failures);
  const { name } = properties;
  if (name !== undefined && checked["name"] === undefined) {
    const kept = defaultsOf(context.oldInputs).includes("name") ? context.oldInputs?.["name"] : undefined;
    checked["name"] = kept ?? context.autoName();
    checked["__defaults"] = [...defaultsOf(checked), "name"].sort();
  }
  for (const [key, property] of Object.entries(properties)) {
    if (property.required === true && checked[key] === undefined) {
      failures.push({ property: key, reason: `Missing required property "${key}"` });
    }
  }
  return { inputs: checked, failures: [...failures, ...refuse(checked)] };
}

/** Names that the plugin, not the program, has filled in. */
export function defaultsOf(inputs: ValueMap | undefined): string[] {
  const defaults = inputs?.["__defaults"];
  return Array.isArray(defaults) ? defaults.filter((entry) => typeof entry === "string") : [];
}

function checkedObject(object: ValueMap, properties: Properties, path: string, failures: CheckFailure[]): ValueMap {
  const checked: ValueMap = {};
  for (const [key, value] of Object.entries(object)) {
    const property = properties[key];
    if (key === "__defaults" || value === null) continue;
    const at = path === "" ? key : `${path}.${key}`;
    if (property === undefined || !isInput(property)) {
      failures.push({ property: at, reason: notAnInput(at, value, properties) });
      continue;
    }
    checked[key] = checkedValue(value, property, at, failures);
  }
  const defaults: string[] = [];
  for (const [key, property] of Object.entries(properties)) {
    // Defaults that equal "not set" are left to the plugin, as the official one leaves them.
    if (checked[key] !== undefined || property.default === undefined || isEmpty(property.default)) continue;
    checked[key] = property.default;
    defaults.push(key);
  }
  return { ...checked, __defaults: defaults.sort() };
}

function checkedValue(value: Value, property: Property, path: string, failures: CheckFailure[]): Value {
  if (isUnknown(value)) return value;
  const wrong = wrongType(value, property);
  if (wrong !== undefined) {
    failures.push({ property: path, reason: `${path} is ${shown(value)}: ${wrong}` });
    return value;
  }
  const fields = elementProperties(property);
  if (fields === undefined) return value;
  const element = (item: Value, at: string): Value => {
    if (!isMap(item)) return item;
    const missing = Object.entries(fields).find(([name, field]) => field.required && item[name] === undefined);
    if (missing !== undefined)
      failures.push({ property: at, reason: `Missing required property "${at}.${missing[0]}"` });
    return checkedObject(item, fields, at, failures);
  };
  return Array.isArray(value) ? value.map((item, index) => element(item, `${path}[${index}]`)) : element(value, path);
}

function wrongType(value: Value, property: Property): string | undefined {
  switch (property.kind) {
    case "bool":
      return typeof value === "boolean" ? undefined : "give true or false";
    case "int":
      return Number.isInteger(value) ? undefined : "give a whole number, without a unit";
    case "string":
      return typeof value === "string" ? undefined : "give a string";
    case "map":
    case "object":
      return isMap(value) ? undefined : "give an object";
    case "list":
    case "set":
      return wrongList(value, property);
  }
}

function wrongList(value: Value, property: Property): string | undefined {
  if (!Array.isArray(value)) return "give a list";
  const strings = property.element === "string";
  const wrong = value.find((item) => !isUnknown(item) && (strings ? typeof item !== "string" : !isMap(item)));
  return wrong === undefined ? undefined : `give a list of ${strings ? "strings" : "objects"}`;
}

function notAnInput(path: string, value: Value, properties: Properties): string {
  const known = Object.entries(properties).flatMap(([key, property]) => (isInput(property) ? [key] : []));
  return `${path} is ${shown(value)}, but the plugin has no such input: leave it out (there are ${known.join(", ")})`;
}

/** A value for an error message, cut short. */
export function shown(value: Value | undefined): string {
  const text = JSON.stringify(value) ?? "not set";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
