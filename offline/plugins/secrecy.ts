import type { ResourceType } from "./resourceType.ts";
import { ResourceInitError } from "./resourceType.ts";
import { containsSecret, mapWithSecretsOf, secret } from "./values.ts";
import type { ValueMap } from "./values.ts";

/** Outputs as they may be stored: secret where an input of that name is, where the type says so, where derived. */
export function conceal(type: ResourceType, outputs: ValueMap, inputs: ValueMap): ValueMap {
  const concealed = mapWithSecretsOf(outputs, inputs, false);
  const reveals = (names: readonly string[]) => names.some((name) => containsSecret(inputs[name]));
  for (const [output, sources] of Object.entries(type.derivedOutputs ?? {})) {
    if (concealed[output] !== undefined && reveals(sources)) concealed[output] = secret(concealed[output]);
  }
  for (const output of type.secretOutputs ?? []) {
    if (concealed[output] !== undefined) concealed[output] = secret(concealed[output]);
  }
  return concealed;
}

/** Runs `operation`; what a partial failure carries is concealed like any state. */
export async function concealing<T>(type: ResourceType, inputs: ValueMap, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof ResourceInitError)) throw error;
    const { message, id } = error;
    throw new ResourceInitError(
      message,
      id,
      mapWithSecretsOf(error.inputs, inputs, true),
      conceal(type, error.outputs, inputs),
    );
  }
}

export function allSecret(map: ValueMap): ValueMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, secret(value)]));
}
