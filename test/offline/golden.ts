import { readFileSync } from "node:fs";
import path from "node:path";
import type { DiffKind } from "../../offline/plugins/resourceType.ts";
import { asText, isMap, type Value, type ValueMap } from "../../offline/plugins/values.ts";

/** Recordings of the official plugins; test/golden/ holds them as they were recorded. */
const GOLDEN = path.join(import.meta.dirname, "..", "golden");

export interface RecordedResource {
  urn: string;
  type: string;
  id: string;
  inputs: ValueMap;
  outputs: ValueMap;
  additionalSecretOutputs?: string[];
}

export interface RecordedStep {
  op: "update" | "replace";
  resource: string;
  diffReasons: string[] | null;
  replaceReasons: string[] | null;
  detailedDiff: Record<string, { kind: DiffKind }> | null;
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names what the file holds
function readGolden<T>(file: string): T {
  return JSON.parse(readFileSync(path.join(GOLDEN, file), "utf8")) as T;
}

/** State after the first `up` of program.ts.txt, as exported. */
export function recordedState(): RecordedResource[] {
  return readGolden<{ deployment: { resources: RecordedResource[] } }>("state-after-up.json").deployment.resources;
}

/** What a preview said to one changed property at a time, by the name of the change. */
export function recordedChanges(): Record<string, RecordedStep[]> {
  return readGolden("property-changes.json");
}

/** The official docker plugin's own schema. */
export function recordedSchema(): Record<string, Record<string, unknown>> {
  return readGolden("docker-provider-properties.json");
}

/** Text of the program that was recorded. */
export function recordedProgram(): string {
  return readFileSync(path.join(GOLDEN, "program.ts.txt"), "utf8");
}

/** The resource of the recorded state whose URN ends with `::name`. */
export function recordedResource(name: string): RecordedResource {
  const found = recordedState().find(({ urn }) => urn.endsWith(`::${name}`));
  if (found === undefined) throw new Error(`no resource ${name} was recorded`);
  return found;
}

/** The same of a swarm's program: state after its first `up`. */
export function recordedSwarmState(): RecordedResource[] {
  return readGolden<{ deployment: { resources: RecordedResource[] } }>("swarm/01-export.json").deployment.resources;
}

/** And of a second run with as few settings as there can be. */
export function recordedMinimalState(): RecordedResource[] {
  return readGolden<{ deployment: { resources: RecordedResource[] } }>("swarm/01b-minimal-export.json").deployment
    .resources;
}

/** What a preview of the swarm's program said to one changed property at a time. */
export function recordedSwarmChanges(): Record<string, RecordedStep[]> {
  return readGolden("swarm/02-property-changes.json");
}

/** Text of the swarm's program. */
export function recordedSwarmProgram(): string {
  return readGolden<Record<string, string>>("swarm/programs.json")["index.ts"] ?? "";
}

/** What each of those changes set in the program: `service` is laid over the service's own settings. */
export function recordedSwarmCases(): Record<string, Record<string, ValueMap[string]>> {
  return readGolden<{ cases: Record<string, Record<string, ValueMap[string]>> }>("swarm/cases.json").cases;
}

/** A value without what `excluded` names; ciphertexts by their length. */
export function comparable(excluded: Readonly<Record<string, string>>, value: Value): Value {
  if (Array.isArray(value)) return value.map((each) => comparable(excluded, each));
  if (!isMap(value)) return value;
  const kept = Object.entries(value).map(([key, entry]): [string, Value] => {
    if (key === "ciphertext") return [key, asText(entry).length];
    return key in excluded && typeof entry !== "object"
      ? [key, "excluded"]
      : [key, key === "triggers" ? "excluded" : comparable(excluded, entry)];
  });
  return Object.fromEntries(kept);
}
