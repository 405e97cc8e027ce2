import type { Value, ValueMap } from "../values.ts";
import { isMap } from "../values.ts";

/**
 * One property of a resource of a bridged plugin, as recorded from the official one.
 *
 * `object` is a block that occurs at most once, which the SDK shows as an object and not as a list of one.
 */
export interface Property {
  kind: "bool" | "int" | "string" | "list" | "set" | "map" | "object";
  /** Of `list`, `set` and `object`: the properties of an element, or "string". */
  element?: "string" | Properties;
  required?: boolean;
  optional?: boolean;
  /** The plugin fills it in when the program does not. */
  computed?: boolean;
  /** A change replaces the resource. */
  replace?: boolean;
  /** Secret, whatever the program says. */
  sensitive?: boolean;
  default?: boolean | number | string;
  /** Name in the underlying schema, where it is not the snake_case form of the SDK's. */
  terraformName?: string;
}

export type Properties = Readonly<Record<string, Property>>;

/** Whether the program may set it. */
export function isInput(property: Property): boolean {
  return property.required === true || property.optional === true;
}

/** Properties of an element, or `undefined` where elements are plain strings. */
export function elementProperties(property: Property): Properties | undefined {
  return typeof property.element === "object" ? property.element : undefined;
}

/** What the plugin's schema layer does not tell from "not set": null, "", 0, false, [] and {}. */
export function isEmpty(value: Value | undefined): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isMap(value)) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === "" || value === 0 || value === false;
}

/** Value of a property that is declared as `undefined` or left out, where the plugin knows nothing better. */
export function emptyValue(property: Property): Value {
  return (property.kind === "list" || property.kind === "set") && isBlock(property) ? [] : null;
}

/** A block with fields: its absence is an empty list to the schema layer, never null. */
function isBlock(property: Property): boolean {
  return typeof property.element === "object";
}

/** Declared inputs as outputs: fields of objects filled up with their defaults, `__defaults` taken out. */
export function filled(inputs: ValueMap, properties: Properties): ValueMap {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, filledValue(inputs[name], property)]),
  );
}

function filledValue(value: Value | undefined, property: Property): Value {
  if (value === undefined || value === null) return property.default ?? emptyValue(property);
  const fields = elementProperties(property);
  if (fields === undefined) return value;
  if (property.kind === "object") return isMap(value) ? filledElement(value, fields) : value;
  return Array.isArray(value)
    ? value.map((element) => (isMap(element) ? filledElement(element, fields) : element))
    : value;
}

/** Inside blocks a string that is not set is "", and lists are empty; numbers and switches stay null. */
function filledElement(element: ValueMap, properties: Properties): ValueMap {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const value = filledValue(element[name], property);
      if (value !== null) return [name, value];
      if (property.kind === "string") return [name, ""];
      return [name, property.kind === "list" || property.kind === "set" ? [] : null];
    }),
  );
}
