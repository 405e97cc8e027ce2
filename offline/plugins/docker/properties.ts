import type { Properties } from "../bridged/schema.ts";
import recorded from "./properties.json" with { type: "json" };

/**
 * Every property of the types that this plugin serves, as recorded from the official plugin 5.2.0 (the recording is
 * test/golden/docker-provider-properties.json; a test holds the two together), under the names of the SDK.
 */
export const dockerProperties = recorded as unknown as Readonly<
  Record<"container" | "network" | "volume" | "secret" | "service" | "serviceConfig", Properties>
>;

/** `[{label, value}]` as Docker's own map. */
export function labelMap(labels: unknown): Record<string, string> {
  const list = Array.isArray(labels) ? (labels as { label: string; value: string }[]) : [];
  return Object.fromEntries(list.map(({ label, value }) => [label, value]));
}

/** Docker's label map as the SDK's list, sorted by name. */
export function labelList(labels: Record<string, string> | null | undefined): { label: string; value: string }[] {
  return Object.entries(labels ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([label, value]) => ({ label, value }));
}
