import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { ResourceStep } from "./engineEvents.ts";
import { isComparison, isFollower, propertyInWords, resourceInWords } from "./words.ts";

/** One thing that the next update would do. */
export interface PlannedChange {
  action: "create" | "update" | "replace" | "delete";
  resource: string;
  /** Type token of the object itself. */
  type: string;
  /** What it is called in Docker, of one that is there. */
  dockerName?: string;
  /** Properties that differ; empty for a creation and a removal. */
  because: readonly string[];
}

/**
 * No reasons of their own: a new container is a new one for all that belongs to it, ContainerWatch says why it makes one,
 * and what is in force is known after an update only.
 */
const FOLLOWS = new Set(["containerId", "replaceWith", "effective"]);
const ACTIONS = new Set<string>(["create", "update", "replace", "delete"]);

/** What an update would change, one row a resource; components and providers are left out: they are no objects. */
export function plannedChanges(steps: readonly ResourceStep[], prefix: string): PlannedChange[] {
  const rows = new Map<string, PlannedChange>();
  for (const step of steps) {
    if (step.when !== "planned" || !isAction(step.op) || isAbstract(step.type)) continue;
    const resource = resourceInWords(step.type, step.name, prefix);
    const own = because(step).filter((property) => !FOLLOWS.has(property));
    const known = rows.get(resource);
    // What belongs to a container is told with it, under the container's own action.
    const action = known && (isFollower(step.type) || !isFollower(known.type)) ? known.action : step.op;
    const type = known && isFollower(step.type) ? known.type : step.type;
    const dockerName = step.old?.outputs?.["name"];
    rows.set(resource, {
      action,
      resource,
      type,
      ...(typeof dockerName === "string" ? { dockerName } : {}),
      because: [...new Set([...(known?.because ?? []), ...own])].sort(),
    });
  }
  return [...rows.values(), ...steps.flatMap(removalsByPolicy)];
}

const plannedSchema = z.array(z.object({ resource: z.string(), reason: z.string() }));

/** What a changed policy of the sweep takes: no objects of the engine's, so that it has no steps for them. */
function removalsByPolicy(step: ResourceStep): PlannedChange[] {
  if (step.when !== "planned" || !isAction(step.op) || !step.type.endsWith(":OrphanSweep")) return [];
  const planned = plannedSchema.parse(step.new?.inputs?.["planned"] ?? []);
  return planned.map(({ resource, reason }) => ({
    action: "delete",
    resource,
    type: step.type,
    because: [`policy: ${reason}`],
  }));
}

function isAction(op: string): op is PlannedChange["action"] {
  return ACTIONS.has(op);
}

function isAbstract(type: string): boolean {
  return type.startsWith("mcp:") || type.startsWith("pulumi:");
}

/** The provider's own words where it has some; a dynamic one has none, so its inputs are compared. */
function because(step: ResourceStep): string[] {
  if (isComparison(step.type)) {
    const found = Object.keys(step.old?.inputs?.["found"] ?? {});
    return found.map((key) => propertyInWords(step.type, key));
  }
  const named = [...new Set([...step.diffs, ...step.replaceKeys])];
  const changed = named.length > 0 ? named : changedInputs(step);
  return [...new Set(changed.map((key) => propertyInWords(step.type, key)))].sort();
}

function changedInputs(step: ResourceStep): string[] {
  if (step.old === undefined || step.new === undefined) return [];
  const before = step.old.inputs ?? {};
  const after = step.new.inputs ?? {};
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter(
    (key) => !key.startsWith("__") && key !== "planned" && !isDeepStrictEqual(before[key], after[key]),
  );
}
