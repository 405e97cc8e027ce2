import type { Value, ValueMap } from "../values.ts";
import { UNKNOWN, isMap, sameValue } from "../values.ts";
import { sameElement } from "./diff.ts";
import { rawStateDelta } from "./rawState.ts";
import { elementProperties, isEmpty } from "./schema.ts";
import type { Properties, Property } from "./schema.ts";

/**
 * Outputs as they are stored: the order in which the program wrote a set is kept where the set is the same, and the
 * bridge's own bookkeeping is added.
 *
 * @param declared inputs, or the last outputs on a refresh.
 * @param meta what the official plugin keeps in `__meta` for this type.
 */
export function bridged(
  outputs: ValueMap,
  declared: ValueMap,
  properties: Properties,
  meta: ValueMap | undefined,
): ValueMap {
  const ordered = Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, inDeclaredOrder(value, declared[name], properties[name])]),
  );
  const __pulumi_raw_state_delta = rawStateDelta(ordered, properties);
  return { ...ordered, ...(meta ? { __meta: JSON.stringify(meta) } : {}), __pulumi_raw_state_delta };
}

function inDeclaredOrder(value: Value, declared: Value | undefined, property: Property | undefined): Value {
  if (property === undefined || !Array.isArray(value) || !Array.isArray(declared) || value.length !== declared.length)
    return value;
  if (property.kind !== "set" && property.kind !== "list") return value;
  const fields = elementProperties(property);
  const picked = declared.map((wanted) => value.find((element) => sameElement(element, wanted, fields)));
  return picked.every((element) => element !== undefined) && new Set(picked).size === value.length ? picked : value;
}

/** Outputs that a preview shows: what is declared, what stays, and "not known yet" for what only Docker can tell. */
export function previewOutputs(inputs: ValueMap, olds: ValueMap | undefined, properties: Properties): ValueMap {
  const outputs: ValueMap = {};
  for (const [name, property] of Object.entries(properties)) {
    const given = inputs[name];
    if (given !== undefined) outputs[name] = withoutDefaults(given);
    else if (property.computed) outputs[name] = olds?.[name] ?? UNKNOWN;
    else if (property.default !== undefined) outputs[name] = property.default;
  }
  return outputs;
}

/** Inputs without the bookkeeping of which fields are defaults. */
export function withoutDefaults(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "__defaults")
      .map(([key, element]) => [key, withoutDefaults(element)]),
  );
}

/** Whether an observed value is what was declared, sets compared as sets and "not set" in any of its forms as equal. */
export function asDeclared(observed: Value | undefined, declared: Value | undefined, property: Property): boolean {
  if (isEmpty(observed) && isEmpty(declared)) return true;
  const fields = elementProperties(property);
  if (property.kind === "object") return sameElement(observed ?? null, declared ?? null, fields);
  if (!Array.isArray(observed) || !Array.isArray(declared)) return sameValue(observed, declared);
  if (observed.length !== declared.length) return false;
  if (property.kind === "list")
    return observed.every((element, index) => sameElement(element, declared[index] ?? null, fields));
  return declared.every((wanted) => observed.some((element) => sameElement(element, wanted, fields)));
}
