/** Stands for what cannot be had here: a secret that is not set, what only Pulumi Cloud can open, and all made of them. */
export const UNKNOWN = Symbol("a value that is not at hand");

/** What an expression gives, with its secretness. */
export interface Value {
  readonly data: null | boolean | number | string | typeof UNKNOWN | readonly Value[] | ReadonlyMap<string, Value>;
  /** Said of this value itself; lists and objects are as secret as what they hold (`hasSecret`). */
  readonly secret: boolean;
}

export interface ObjectValue extends Value {
  readonly data: ReadonlyMap<string, Value>;
}
export interface ListValue extends Value {
  readonly data: readonly Value[];
}

export function isObject(value: Value | undefined): value is ObjectValue {
  return value?.data instanceof Map;
}

export function isList(value: Value): value is ListValue {
  return Array.isArray(value.data);
}

/** Takes what a parser of YAML or JSON gives. @param secret marks everything in it. */
export function valueOf(data: unknown, secret = false): Value {
  if (Array.isArray(data)) return { data: data.map((item) => valueOf(item, secret)), secret };
  if (typeof data === "object" && data !== null) {
    return { data: new Map(entriesOf(data).map(([key, inner]) => [key, valueOf(inner, secret)])), secret };
  }
  return { data: data as Value["data"], secret };
}

/** Of a Map or a plain object. */
export function entriesOf(map: object): Array<[string, unknown]> {
  const entries: Iterable<[unknown, unknown]> = map instanceof Map ? map : Object.entries(map);
  return [...entries].map(([key, value]) => [String(key), value]);
}

/** Objects key by key, the upper one's word being the last; anything else takes the place of what is below, null too. */
export function mergeOver(base: Value | undefined, upper: Value): Value {
  if (!isObject(base) || !isObject(upper)) return upper;
  const result = new Map(base.data);
  for (const [key, value] of upper.data) result.set(key, mergeOver(base.data.get(key), value));
  return { data: result, secret: upper.secret };
}

export function hasSecret(value: Value): boolean {
  return value.secret || childrenOf(value).some(hasSecret);
}

export function hasUnknown(value: Value): boolean {
  return value.data === UNKNOWN || childrenOf(value).some(hasUnknown);
}

function childrenOf(value: Value): readonly Value[] {
  if (isList(value)) return value.data;
  return isObject(value) ? [...value.data.values()] : [];
}

/** The documented string form: null is "", what is nested is quoted, objects are sorted by key. */
export function textOf(value: Value): string {
  if (isList(value)) return value.data.map((item) => JSON.stringify(textOf(item))).join(",");
  if (isObject(value)) {
    return sorted(value)
      .map(([key, inner]) => `${JSON.stringify(key)}=${JSON.stringify(textOf(inner))}`)
      .join(",");
  }
  // The rest are a number, a text or a truth value: nothing unknown is ever written out.
  return value.data === null ? "" : (value.data as string | number | boolean).toString();
}

/** As plain data. Numbers, texts, lists and objects of a parser; keys sorted. UNKNOWN stays. */
export function plainOf(value: Value): unknown {
  if (isList(value)) return value.data.map(plainOf);
  if (isObject(value)) return Object.fromEntries(sorted(value).map(([key, inner]) => [key, plainOf(inner)]));
  return value.data;
}

/** In words, for messages; never the value. */
export function kindOf(value: Value): string {
  if (value.data === null) return "null";
  if (isList(value)) return "a list";
  return isObject(value) ? "an object" : `a ${typeof value.data}`;
}

function sorted({ data }: ObjectValue): Array<[string, Value]> {
  return [...data].sort(([a], [b]) => (a < b ? -1 : 1));
}
