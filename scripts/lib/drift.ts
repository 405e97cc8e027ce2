import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
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
  const refreshed = steps.filter((step) => step.op === "refresh" && step.when === "done" && step.old !== undefined);
  const rows = new Map<string, Drift>();
  // What the docker provider and ContainerWatch have both seen is told once, in the words of the latter.
  for (const step of refreshed.toSorted((a, b) => Number(isComparison(b.type)) - Number(isComparison(a.type)))) {
    for (const row of driftOf(step, prefix)) {
      const key = `${row.resource} ${row.property}`;
      if (!rows.has(key)) rows.set(key, row);
    }
  }
  return [...rows.values()];
}

function driftOf(step: ResourceStep, prefix: string): Drift[] {
  if (isSweep(step)) return newOrphans(step);
  const resource = resourceInWords(step.type, step.name, prefix);
  if (step.new === undefined) {
    return isFollower(step.type) ? [] : [{ resource, property: "exists", declared: "yes", found: "removed" }];
  }
  const [declared, found] = isComparison(step.type)
    ? compared(step.new.outputs)
    : [step.old?.outputs ?? {}, step.new.outputs ?? {}];
  const keys = [...new Set([...Object.keys(declared), ...Object.keys(found)])].sort();
  return keys
    .filter((key) => !key.startsWith("__") && !COMPUTED.has(key) && !isSame(declared[key], found[key]))
    .map((key) => {
      const [was, is] = differenceInWords(declared[key], found[key]);
      return { resource, property: propertyInWords(step.type, key), declared: was, found: is };
    });
}

/** A provider may write nothing as an empty map or not at all. */
function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b) || (isNothing(a) && isNothing(b));
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

type Properties = Record<string, unknown>;

/** What was expected and what was found, of the properties that differ. */
function compared(outputs: Properties = {}): [expected: Properties, found: Properties] {
  const found = (outputs["found"] ?? {}) as Properties;
  const expected = (outputs["expected"] ?? {}) as Properties;
  return [Object.fromEntries(Object.keys(found).map((key) => [key, expected[key]])), found];
}

const orphansSchema = z.array(
  z.looseObject({
    kind: z.string(),
    name: z.string(),
    image: z.string().optional(),
    created: z.string().optional(),
    memoryMiB: z.number().optional(),
    reason: z.string(),
    action: z.enum(["report", "remove"]),
  }),
);

/** An object that nobody declared, as the sweep has found it. */
export type FoundOrphan = z.infer<typeof orphansSchema>[number];

/** All of them, whether or not an earlier update has reported them. */
export function findOrphans(steps: readonly ResourceStep[]): FoundOrphan[] {
  const sweep = steps.find((step) => step.op === "refresh" && step.when === "done" && isSweep(step));
  return orphansSchema.parse(sweep?.new?.outputs?.["found"] ?? []);
}

function isSweep(step: ResourceStep): boolean {
  return step.type.endsWith(":OrphanSweep");
}

/** What the next update does to one that does not stay. */
const ENDINGS: Readonly<Record<string, string>> = { process: "ended", script: "disabled" };

/** Objects that nobody declared; those that an earlier update has reported already are no news. */
function newOrphans(step: ResourceStep): Drift[] {
  const known = new Set(
    orphansSchema.parse(step.old?.outputs?.["found"] ?? []).map(({ kind, name }) => `${kind} ${name}`),
  );
  return findOrphans([step])
    .filter(({ kind, name, action }) => action === "remove" || !known.has(`${kind} ${name}`))
    .map(({ kind, name, image, created, memoryMiB, reason, action }) => {
      const details = [image, ageInWords(created), memoryMiB === undefined ? undefined : `${memoryMiB} MiB`, reason];
      return {
        resource: `${kind} ${name}`,
        property: "exists",
        declared: action === "remove" ? `no, will be ${ENDINGS[kind] ?? "removed"}` : "no, is reported",
        found: details.filter((detail) => detail !== undefined).join(", "),
      };
    });
}

/** `3 h old` */
function ageInWords(created: string | undefined): string | undefined {
  if (created === undefined) return undefined;
  const minutes = Math.max(0, Math.round((Date.now() - Date.parse(created)) / 60_000));
  if (minutes < 60) return `${minutes} min old`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h old` : `${Math.round(minutes / 1440)} days old`;
}
