import { shown } from "../bridged/check.ts";
import type { CheckFailure, DiffResult } from "../resourceType.ts";
import type { Value, ValueMap } from "../values.ts";
import { isMap, isUnknown, sameValue, secret } from "../values.ts";

export type Kind = "bool" | "count" | "string" | "map";

/** Checks inputs against `kinds`: an unknown name, a wrong type, a missing `required` one. */
export function checkKinds(inputs: ValueMap, kinds: Readonly<Record<string, Kind>>, required: string): CheckFailure[] {
  const failures: CheckFailure[] = [];
  if (inputs[required] === undefined)
    failures.push({ property: required, reason: `Missing required property "${required}"` });
  for (const [name, value] of Object.entries(inputs)) {
    const kind = kinds[name];
    if (kind === undefined) {
      failures.push({
        property: name,
        reason: `${name} is not an input of this type: leave it out (there are ${Object.keys(kinds).join(", ")})`,
      });
    } else if (!isUnknown(value) && !isKind(value, kind)) {
      failures.push({ property: name, reason: `${name} is ${shown(value)}: give ${DESCRIPTIONS[kind]}` });
    }
  }
  return failures;
}

const DESCRIPTIONS: Readonly<Record<Kind, string>> = {
  bool: "true or false",
  count: "a whole number, 0 or more",
  string: "a string",
  map: "an object of strings",
};

function isKind(value: Value, kind: Kind): boolean {
  if (kind === "bool") return typeof value === "boolean";
  if (kind === "count") return Number.isInteger(value) && Number(value) >= 0;
  return kind === "string" ? typeof value === "string" : isMap(value);
}

/** Inputs without those that are null: the SDK sends none, a program in YAML may. */
export function withoutNull(inputs: ValueMap): ValueMap {
  return Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== null));
}

/** Every change makes a new random value. The official plugin reports no path below a property. */
export function diffReplacing(olds: ValueMap, planned: ValueMap, names: readonly string[]): DiffResult {
  const changed = names.filter((name) => !sameValue(olds[name] ?? null, planned[name] ?? null));
  return { changed, replaces: changed, deleteBeforeReplace: false };
}

/**
 * The bridge's bookkeeping for a plugin of this framework: a map is noted, and so is every optional property that is
 * not set, as a secret (the bridge hides what it cannot interpret).
 */
export function frameworkDelta(outputs: ValueMap, optional: readonly string[]): ValueMap {
  const deltas = optional.flatMap((name): [string, Value][] => {
    const value = outputs[name];
    if (value === undefined || value === null) return [[name, secret({ replace: { raw: null } })]];
    return isMap(value) ? [[name, { map: {} }]] : [];
  });
  return { obj: deltas.length > 0 ? { ps: Object.fromEntries(deltas) } : {} };
}
