import type { DiffKind, DiffResult } from "../resourceType.ts";
import type { Value, ValueMap } from "../values.ts";
import { containsUnknown, isMap, isUnknown, sameValue } from "../values.ts";
import { elementProperties, isEmpty, isInput } from "./schema.ts";
import type { Properties, Property } from "./schema.ts";

type Change = "add" | "delete" | "update";

/**
 * What a deployment of `inputs` would change in a resource whose state is `olds`, decided as the official bridged
 * plugins decide (recorded in test/golden/property-changes.json):
 *
 * - "not set" and null, "", 0, false, [] and {} are the same;
 * - a computed property that the program leaves out keeps what it has;
 * - sets compare as sets; a set of objects is reported element by element only where the program gives every field of
 *   its elements, otherwise as a whole.
 */
export function diffProperties(
  olds: ValueMap,
  inputs: ValueMap,
  properties: Properties,
): Omit<DiffResult, "deleteBeforeReplace"> {
  const detailed: Record<string, DiffKind> = {};
  const changed: string[] = [];
  const replaces: string[] = [];
  for (const [name, property] of Object.entries(properties)) {
    const changes = new Map<string, Change>();
    if (isInput(property) || olds[name] === null) collect(olds[name], inputs[name], property, name, changes);
    if (changes.size === 0) continue;
    changed.push(name);
    if (property.replace) replaces.push(name);
    for (const [path, change] of changes) detailed[path] = property.replace ? `${change}-replace` : change;
  }
  return { detailed, changed, replaces };
}

function collect(
  old: Value | undefined,
  input: Value | undefined,
  property: Property,
  path: string,
  changes: Map<string, Change>,
): void {
  if (input === undefined || input === null) {
    if (property.computed) {
      // Only a create that failed half way leaves a computed list null: it has to be looked at again.
      if (old === null && property.kind === "list" && property.default === undefined) changes.set(path, "add");
      return;
    }
    const planned = property.default ?? null;
    if (isEmpty(old) && isEmpty(planned)) return;
    if (planned === null) changes.set(path, "delete");
    else compare(old, planned, property, path, changes);
    return;
  }
  compare(old, input, property, path, changes);
}

function compare(
  old: Value | undefined,
  input: Value,
  property: Property,
  path: string,
  changes: Map<string, Change>,
): void {
  if (isUnknown(input)) {
    changes.set(path, old === undefined || old === null ? "add" : "update");
    return;
  }
  if (isEmpty(old) && isEmpty(input)) return;
  if (old === undefined || old === null) {
    changes.set(path, "add");
    return;
  }
  switch (property.kind) {
    case "list":
      return compareList(asList(old), asList(input), property, path, changes);
    case "set":
      return compareSet(asList(old), asList(input), property, path, changes);
    case "map":
      return compareMap(asMap(old), asMap(input), path, changes);
    case "object":
      return compareObject(asMap(old), asMap(input), elementProperties(property) ?? {}, path, changes);
    default:
      if (old !== input) changes.set(path, "update");
  }
}

function compareList(
  olds: Value[],
  inputs: Value[],
  property: Property,
  path: string,
  changes: Map<string, Change>,
): void {
  const { gone, fresh } = containsUnknown(inputs) ? byPlace(olds, inputs) : bySequence(olds, inputs);
  for (const index of [...new Set([...gone, ...fresh])].sort((left, right) => left - right)) {
    const at = `${path}[${index}]`;
    if (!fresh.has(index)) changes.set(at, "delete");
    else if (!gone.has(index)) changes.set(at, "add");
    else compareElement(olds[index], inputs[index], property, at, changes);
  }
}

/** Places in the old list of what goes, and in the new one of what comes. */
interface Edits {
  gone: Set<number>;
  fresh: Set<number>;
}

/** All of both: what is not known yet is like nothing else. */
function byPlace(olds: readonly Value[], inputs: readonly Value[]): Edits {
  return { gone: new Set(olds.keys()), fresh: new Set(inputs.keys()) };
}

/** All but the longest sequence that both have. */
function bySequence(olds: readonly Value[], inputs: readonly Value[]): Edits {
  const lengths = Array.from({ length: olds.length + 1 }, () => new Array<number>(inputs.length + 1).fill(0));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = olds.length - 1; i >= 0; i -= 1) {
    for (let j = inputs.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row) row[j] = sameValue(olds[i], inputs[j]) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const { gone, fresh } = byPlace(olds, inputs);
  for (let i = 0, j = 0; i < olds.length && j < inputs.length;) {
    if (sameValue(olds[i], inputs[j])) {
      gone.delete(i++);
      fresh.delete(j++);
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return { gone, fresh };
}

function compareSet(
  olds: Value[],
  inputs: Value[],
  property: Property,
  path: string,
  changes: Map<string, Change>,
): void {
  const fields = elementProperties(property);
  const same = (left: Value, right: Value) => sameElement(left, right, fields);
  if (containsUnknown(inputs)) {
    // Told one by one where each is given in full, and none comes or goes.
    const isFull = fields !== undefined && inputs.every((input) => givesEveryField(input, fields));
    if (isFull && inputs.length === olds.length) {
      inputs.forEach((input, index) => compareElement(olds[index], input, property, `${path}[${index}]`, changes));
      return;
    }
  } else {
    const gone = indexes(olds, (old) => !inputs.some((input) => same(old, input)));
    const fresh = indexes(inputs, (input) => !olds.some((old) => same(old, input)));
    if (gone.length === 0 && fresh.length === 0) return;
    if (fields === undefined || inputs.every((input) => givesEveryField(input, fields))) {
      for (const index of new Set([...gone, ...fresh])) {
        const at = `${path}[${index}]`;
        if (!fresh.includes(index)) changes.set(at, "delete");
        else if (!gone.includes(index)) changes.set(at, "add");
        else compareElement(olds[index], inputs[index], property, at, changes);
      }
      return;
    }
  }
  changes.set(path, "update");
}

function compareElement(
  old: Value,
  input: Value,
  property: Property,
  path: string,
  changes: Map<string, Change>,
): void {
  const fields = elementProperties(property);
  if (fields !== undefined && isMap(old) && isMap(input)) compareObject(old, input, fields, path, changes);
  else if (old !== input) changes.set(path, "update");
}

function compareObject(
  old: ValueMap,
  input: ValueMap,
  fields: Properties,
  path: string,
  changes: Map<string, Change>,
): void {
  for (const [name, field] of Object.entries(fields))
    collect(old[name], input[name], field, `${path}.${name}`, changes);
}

function compareMap(old: ValueMap, input: ValueMap, path: string, changes: Map<string, Change>): void {
  for (const key of new Set([...Object.keys(old), ...Object.keys(input)])) {
    const at = /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
    if (!(key in input)) changes.set(at, "delete");
    else if (!(key in old)) changes.set(at, "add");
    else if (!sameValue(old[key], input[key])) changes.set(at, "update");
  }
}

/** Whether two elements of a set are the same one: fields that are "not set" in either count as equal. */
export function sameElement(left: Value, right: Value, fields: Properties | undefined): boolean {
  if (fields === undefined || !isMap(left) || !isMap(right)) return sameValue(left, right);
  return Object.entries(fields).every(([name, field]) => {
    const changes = new Map<string, Change>();
    collect(
      left[name],
      right[name],
      { ...field, computed: field.computed && right[name] === undefined },
      name,
      changes,
    );
    return changes.size === 0;
  });
}

function givesEveryField(element: Value, fields: Properties): boolean {
  return isMap(element) && Object.keys(fields).every((name) => element[name] !== undefined && element[name] !== null);
}

function indexes(values: Value[], matches: (value: Value) => boolean): number[] {
  return values.flatMap((value, index) => (matches(value) ? [index] : []));
}

function asList(value: Value): Value[] {
  return Array.isArray(value) ? value : [value];
}

function asMap(value: Value): ValueMap {
  return isMap(value) ? value : {};
}
