import { z } from "zod";
import { dockerClient } from "../docker.ts";
import { observe } from "../look.ts";
import { policyArgs } from "../policies/pack.ts";
import { withStack, type ReadyStack } from "../settings/withStack.ts";
import { UserError } from "../userError.ts";
import { makesNothing } from "../words.ts";
import { limitChanges, limitChangeSchema } from "./limitChanges.ts";

/** What a reviewer is told of one stack. Travels as a JSON file from the job that previews to the one that comments. */
export const stackPreviewSchema = z.object({
  stack: z.string(),
  /** Why the update would not happen; empty when it would, unless a policy says no. */
  refusals: z.array(z.string()),
  /** Settings whose real value was not at hand. */
  placeholders: z.array(z.string()),
  /** What policies refuse or advise. */
  violations: z.array(
    z.object({
      policy: z.string(),
      severity: z.enum(["mandatory", "advisory"]),
      resource: z.string(),
      why: z.string(),
      todo: z.string(),
    }),
  ),
  changes: z.array(
    z.object({
      action: z.enum(["create", "update", "replace", "delete"]),
      resource: z.string(),
      because: z.array(z.string()),
    }),
  ),
  limits: z.array(limitChangeSchema),
  drift: z.array(z.object({ resource: z.string(), property: z.string(), declared: z.string(), found: z.string() })),
  /** What the stack's host has; undefined where it was not reached. */
  host: z.object({ memoryMiB: z.number(), cpus: z.number() }).optional(),
});
export type StackPreview = z.infer<typeof stackPreviewSchema>;

/**
 * Previews a stack for a pull request, with the project's policies. What stands in its way (a lock, a missing passphrase,
 * no Docker) is told as a refusal, so that the comment comes in any case.
 */
export async function previewStack(
  stack: string,
  args: readonly string[],
  usePlaceholders: boolean,
): Promise<StackPreview> {
  const nothing: StackPreview = {
    stack,
    refusals: [],
    placeholders: [],
    violations: [],
    changes: [],
    limits: [],
    drift: [],
  };
  try {
    const missing = usePlaceholders ? "preview" : "refuse";
    return await withStack({ stack, flags: new Set(["yes"]), missing }, async (ready) => {
      const found = await ask(ready, stack, args);
      return { ...nothing, ...found, placeholders: [...ready.placeholders.keys()] };
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...nothing, refusals: [error.message] };
  }
}

async function ask(
  ready: ReadyStack,
  stack: string,
  args: readonly string[],
): Promise<Omit<StackPreview, "stack" | "placeholders">> {
  const asked = observe(ready.prepared, stack, [...ready.args, ...(await policyArgs(stack)), ...args]);
  const [host, observation] = await Promise.all([hostSize(), asked]);
  const { drift, changes, violations, failure, steps } = observation;
  const refusals = [...observation.refusals];
  if (failure !== undefined && refusals.length === 0) refusals.push(failure);
  // Of a preview that broke off there are only those that came before: half a plan misleads.
  const isWhole = refusals.length === 0;
  const objects = changes.filter(({ type }) => !makesNothing(type));
  return {
    refusals,
    violations,
    changes: isWhole
      ? objects.map(({ action, resource, because }) => ({ action, resource, because: [...because] }))
      : [],
    limits: isWhole ? limitChanges(steps) : [],
    drift,
    host,
  };
}

async function hostSize(): Promise<{ memoryMiB: number; cpus: number }> {
  const { MemTotal, NCPU } = (await dockerClient().info()) as { MemTotal: number; NCPU: number };
  return { memoryMiB: Math.floor(MemTotal / 1024 ** 2), cpus: NCPU };
}
