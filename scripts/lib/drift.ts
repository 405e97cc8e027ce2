import { isDeepStrictEqual } from "node:util";
import type { ResourceStep } from "./engineEvents.ts";
import { differenceInWords, isComparison, isFollower, propertyInWords, resourceInWords } from "./words.ts";

/** One thing in the world that is not as it was deployed. */
export interface Drift {
  /** `container memory` */
  resource: string;
  /** `pids` */
  property: string;
  declared: string;
  found: string;
}

/** What a running container brings with it, or what only the engine cares for: never declared by anybody. */
const COMPUTED = new Set([
  "id",
  "networkDatas",
  "exitCode",
  "containerLogs",
  "bridge",
  "mountpoint",
  "imageId",
  "gateway",
  "ipAddress",
]);

/**
 * What a refresh found that nobody declared.
 * @param prefix what the physical names of the stack begin with, left out of the words.
 */
export function findDrift(steps: readonly ResourceStep[], prefix: string): Drift[] {
  const rows = steps
    .filter((step) => step.op === "refresh" && step.when === "done" && step.old !== undefined)
    .flatMap((step) => driftOf(step, prefix));
  // The docker provider and ContainerWatch may both have seen it.
  const first = new Map(rows.toReversed().map((row) => [`${row.resource} ${row.property}`, row]));
  return rows.filter((row) => first.get(`${row.resource} ${row.property}`) === row);
}

function driftOf(step: ResourceStep, prefix: string): Drift[] {
  const resource = resourceInWords(step.type, step.name, prefix);
  if (step.new === undefined) {
    return isFollower(step.type) ? [] : [{ resource, property: "exists", declared: "yes", found: "removed" }];
  }
  const [declared, found] = isComparison(step.type)
    ? compared(step.new.outputs)
    : [step.old?.outputs ?? {}, step.new.outputs ?? {}];
  const keys = [...new Set([...Object.keys(declared), ...Object.keys(found)])].sort();
  return keys
    .filter((key) => !key.startsWith("__") && !COMPUTED.has(key) && !isDeepStrictEqual(declared[key], found[key]))
    .map((key) => {
      const [was, is] = differenceInWords(declared[key], found[key]);
      return { resource, property: propertyInWords(step.type, key), declared: was, found: is };
    });
}

type Properties = Record<string, unknown>;

/** What was expected and what was found, of the properties that differ. */
function compared(outputs: Properties = {}): [expected: Properties, found: Properties] {
  const found = (outputs["found"] ?? {}) as Properties;
  const expected = (outputs["expected"] ?? {}) as Properties;
  return [Object.fromEntries(Object.keys(found).map((key) => [key, expected[key]])), found];
}
