import type { Value, ValueMap } from "../values.ts";
import { asText, isMap } from "../values.ts";
import { checkInputs } from "./check.ts";
import { elementProperties, isEmpty, isInput } from "./schema.ts";
import type { Properties, Property } from "./schema.ts";
import { asDeclared } from "./state.ts";

/**
 * Inputs after a read. On a refresh the declared ones stay, and those that the world contradicts take its value: the
 * next preview then says what has drifted. On an import (`oldInputs` undefined) they are made from the outputs.
 */
export function readInputs(oldInputs: ValueMap | undefined, outputs: ValueMap, properties: Properties): ValueMap {
  return oldInputs === undefined
    ? importedInputs(outputs, properties)
    : refreshedInputs(oldInputs, outputs, properties);
}

function refreshedInputs(oldInputs: ValueMap, outputs: ValueMap, properties: Properties): ValueMap {
  const inputs: ValueMap = {};
  for (const [name, declared] of Object.entries(oldInputs)) {
    const property = properties[name];
    const observed = outputs[name];
    if (property === undefined || asDeclared(observed, declared, property)) inputs[name] = declared;
    else if (observed !== null && observed !== undefined) inputs[name] = asInput(observed, property);
  }
  return inputs;
}

/** Inputs that, deployed, would make what was found: everything that is set and is not merely the default. */
function importedInputs(outputs: ValueMap, properties: Properties): ValueMap {
  const inputs: ValueMap = {};
  for (const [name, property] of Object.entries(properties)) {
    const observed = outputs[name];
    if (!isInput(property) || isEmpty(observed) || observed === property.default) continue;
    inputs[name] = asInput(observed, property);
  }
  const context = { name: "", oldInputs: undefined, autoName: () => asText(outputs["name"]) };
  return checkInputs(inputs, properties, context, () => []).inputs;
}

/** An output in the shape of an input: fields that are not set are left out. */
function asInput(value: Value, property: Property): Value {
  const fields = elementProperties(property);
  if (fields === undefined) return value;
  if (Array.isArray(value)) return value.map((element) => (isMap(element) ? objectAsInput(element, fields) : element));
  return isMap(value) ? objectAsInput(value, fields) : value;
}

function objectAsInput(object: ValueMap, fields: Properties): ValueMap {
  const given = Object.entries(object).filter(([name, value]) => fields[name] !== undefined && !isEmpty(value));
  return { ...Object.fromEntries(given.map(([name, value]) => [name, asInput(value, fields[name])])), __defaults: [] };
}
