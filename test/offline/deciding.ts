import assert from "node:assert/strict";
import type { DiffResult, ResourceType } from "../../offline/plugins/resourceType.ts";
import type { ValueMap } from "../../offline/plugins/values.ts";
import type { RecordedResource, RecordedStep } from "./golden.ts";

/**
 * Check and Diff of a recorded resource with `change` laid over its inputs, as the program would.
 * @param whole `change` is all that the program gives. @default false
 */
export function decide(
  types: Readonly<Record<string, ResourceType>>,
  { type, urn, inputs, outputs }: RecordedResource,
  change: ValueMap,
  whole = false,
): DiffResult {
  const resourceType = types[type];
  const name = urn.slice(urn.lastIndexOf("::") + 2);
  assert.ok(resourceType);
  const given = whole ? change : { ...programInputs(inputs), ...change };
  const context = { name, oldInputs: inputs, autoName: () => `${name}-0000000` };
  const { inputs: checked, failures } = resourceType.check(given, context);
  assert.deepEqual(failures, []);
  if (Object.keys(change).length === 0) assert.deepEqual(checked, inputs);
  return resourceType.diff({ oldInputs: inputs, oldOutputs: clear(outputs), inputs: checked });
}

/** Recorded inputs as the program wrote them: without what the plugin has filled in. */
export function programInputs(inputs: ValueMap): ValueMap {
  const filledIn = (Array.isArray(inputs["__defaults"]) ? inputs["__defaults"] : []) as string[];
  const strip = (value: ValueMap[string]): ValueMap[string] => {
    if (Array.isArray(value)) return value.map(strip);
    return typeof value === "object" && value !== null ? programInputs(value) : value;
  };
  const own = Object.entries(inputs).filter(([key]) => key !== "__defaults" && !filledIn.includes(key));
  return Object.fromEntries(own.map(([key, value]) => [key, strip(value)]));
}

/** Ciphertexts cannot be read here; no decision depends on what they hold. */
function clear(outputs: ValueMap): ValueMap {
  return Object.fromEntries(
    Object.entries(outputs).filter(([, value]) => !JSON.stringify(value).includes("ciphertext")),
  );
}

export function kindsOf({ detailedDiff }: RecordedStep): Record<string, string> | null {
  return detailedDiff && Object.fromEntries(Object.entries(detailedDiff).map(([path, { kind }]) => [path, kind]));
}

export function sorted(names: string[] | null): string[] {
  return [...(names ?? [])].sort();
}

export function typeOf(resource: string): string {
  return resource.slice(0, resource.lastIndexOf("::"));
}

export function nameOf(resource: string): string {
  return resource.slice(resource.lastIndexOf("::") + 2);
}
