import type { Value, ValueMap } from "../values.ts";
import { isMap } from "../values.ts";
import type { Properties, Property } from "./schema.ts";
import { elementProperties } from "./schema.ts";

/**
 * `__pulumi_raw_state_delta`: what the official bridge needs to turn the state's properties back into the underlying
 * plugin's own. With it a stack that was deployed here goes on under the official plugin.
 *
 * The delta holds only what cannot be guessed: that a value is a list (`arr`), an object (`obj`), a map (`map`), a
 * single block shown as an object (`plu`), and names that are not the snake_case form (`renamed`).
 */
export function rawStateDelta(outputs: ValueMap, properties: Properties): ValueMap {
  return { obj: objectDelta(outputs, properties) };
}

function objectDelta(object: ValueMap, properties: Properties): ValueMap {
  const deltas: ValueMap = {};
  const renamed: ValueMap = {};
  for (const [name, property] of Object.entries(properties)) {
    if (property.terraformName !== undefined) renamed[name] = property.terraformName;
    const delta = propertyDelta(object[name] ?? null, property);
    if (delta !== undefined) deltas[name] = delta;
  }
  return {
    ...(Object.keys(deltas).length > 0 ? { ps: deltas } : {}),
    ...(Object.keys(renamed).length > 0 ? { renamed } : {}),
  };
}

function propertyDelta(value: Value, property: Property): Value | undefined {
  if (property.kind === "object") {
    const fields = elementProperties(property) ?? {};
    if (isMap(value)) return { plu: { i: { obj: objectDelta(value, fields) } } };
    // An absent block is an empty list, but for one that the plugin may fill in: that is null.
    return property.computed ? undefined : { plu: { i: {} } };
  }
  if (value === null) return undefined;
  if (property.kind === "map") return { map: {} };
  return Array.isArray(value) ? { arr: listDelta(value, property) } : undefined;
}

function listDelta(list: Value[], property: Property): ValueMap {
  const fields = elementProperties(property);
  if (fields === undefined || list.length === 0) return {};
  return {
    el: Object.fromEntries(list.map((item, index) => [index, { obj: isMap(item) ? objectDelta(item, fields) : {} }])),
  };
}
