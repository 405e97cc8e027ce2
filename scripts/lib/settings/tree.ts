/** Settings of a stack by full key, as a stack file has them. Leaves may be secret (`SecretValue`) or unknown (UNKNOWN). */
export type Settings = Record<string, unknown>;

/** A value that may not be written anywhere in clear: a text, as the engine's encrypted settings all are. */
export class SecretValue {
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }

  /** Whatever prints it by mistake prints this. */
  toJSON(): string {
    return "[secret]";
  }
}

/** An object of settings: neither a list, nor a secret, nor what the engine writes for one. */
export function isSettings(value: unknown): value is Settings {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  return isMap && !(value instanceof SecretValue) && !isSealed(value);
}

/** What the engine writes for an encrypted setting. */
export function isSealed(value: unknown): value is { secure: string } {
  if (typeof value !== "object" || value === null || !("secure" in value)) return false;
  return typeof value.secure === "string" && Object.keys(value).length === 1;
}

/** Objects key by key, the later part's word being the last. */
export function merged(parts: readonly Settings[]): Settings {
  const result = new Map<string, unknown>();
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) {
      const known = result.get(key);
      result.set(key, isSettings(known) && isSettings(value) ? merged([known, value]) : value);
    }
  }
  return Object.fromEntries(result);
}

/** The same tree with each leaf as `change` gives it. @param path keys and indices from the root */
export function mapLeaves(
  value: unknown,
  change: (leaf: unknown, path: ReadonlyArray<string | number>) => unknown,
  path: ReadonlyArray<string | number> = [],
): unknown {
  if (Array.isArray(value)) return value.map((item, i) => mapLeaves(item, change, [...path, i]));
  if (!isSettings(value)) return change(value, path);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, mapLeaves(inner, change, [...path, key])]),
  );
}

/** `mcp-estate:servers.memory.env.TOKEN`, for messages. */
export function pathInWords(path: ReadonlyArray<string | number>): string {
  return path.map((step, i) => (typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`)).join("");
}
