/**
 * Property values as the plugins handle them: plain JSON, with two things that only exist on the wire made explicit.
 *
 * - a value that a preview does not know yet is the string {@link UNKNOWN};
 * - a secret is `{ [SIGNATURE]: SECRET_SIGNATURE, value }`;
 * - an asset (one file) and an archive (a folder, or a packed file) have their signature, a `hash`, and `text` or `path`.
 *
 * The constants are the engine's own (sdk/go/common/resource/plugin/rpc.go).
 */
export type Value = null | boolean | number | string | Value[] | ValueMap;
export interface ValueMap {
  [key: string]: Value;
}

/** What the engine sends in place of a value that is not known during a preview. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7";

/** The other unknown kinds of the wire format: arrays, objects, assets, archives. All mean "not known yet". */
const UNKNOWN_KINDS: ReadonlySet<Value> = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

export function isMap(value: Value | undefined): value is ValueMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isUnknown(value: Value | undefined): boolean {
  return typeof value === "string" && UNKNOWN_KINDS.has(value);
}

/** A file, a text that is to be one, or a folder. */
export function isAsset(value: Value | undefined): value is ValueMap {
  return isMap(value) && [ASSET_SIGNATURE, ARCHIVE_SIGNATURE].some((kind) => value[SIGNATURE] === kind);
}

/** Whether anything inside `value` is not known yet. */
export function containsUnknown(value: Value | undefined): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some(containsUnknown);
  return isMap(value) && Object.values(value).some(containsUnknown);
}

/** Wraps `value` as a secret; a secret stays as it is. */
export function secret(value: Value): ValueMap {
  return isSecret(value) ? value : { [SIGNATURE]: SECRET_SIGNATURE, value };
}

function isSecret(value: Value | undefined): value is ValueMap {
  return isMap(value) && value[SIGNATURE] === SECRET_SIGNATURE;
}

export function containsSecret(value: Value | undefined): boolean {
  if (isSecret(value)) return true;
  if (Array.isArray(value)) return value.some(containsSecret);
  return isMap(value) && Object.values(value).some(containsSecret);
}

/** `value` in clear: every secret replaced by what it holds. */
export function reveal(value: Value): Value {
  if (isSecret(value)) return reveal(value["value"] ?? null);
  if (Array.isArray(value)) return value.map(reveal);
  return isMap(value) ? revealMap(value) : value;
}

export function revealMap(map: ValueMap): ValueMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, reveal(value)]));
}

/**
 * Gives `value` the secrecy of `like`, which has the same shape: where `like` is secret, so is the answer.
 *
 * @param elementwise whether list elements correspond by position. They do between a program's inputs and the checked
 *   inputs; they do not between inputs and outputs (sets are kept in another order), there the whole list is secret.
 */
export function withSecretsOf(value: Value, like: Value | undefined, elementwise: boolean): Value {
  if (like === undefined || !containsSecret(like) || isSecret(value)) return value;
  if (isSecret(like)) return secret(value);
  if (isMap(value) && isMap(like)) return mapWithSecretsOf(value, like, elementwise);
  if (elementwise && Array.isArray(value) && Array.isArray(like) && value.length === like.length) {
    return value.map((element, index) => withSecretsOf(element, like[index], elementwise));
  }
  return secret(value);
}

export function mapWithSecretsOf(map: ValueMap, like: ValueMap, elementwise: boolean): ValueMap {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, withSecretsOf(value, like[key], elementwise)]),
  );
}

/** A value as text: what is not text already as JSON, nothing as "". */
export function asText(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Deep equality of two plain values; a missing key equals `undefined` only. */
export function sameValue(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((element, index) => sameValue(element, right[index]));
  }
  if (!isMap(left) || !isMap(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length && keys.every((key) => key in right && sameValue(left[key], right[key]))
  );
}
