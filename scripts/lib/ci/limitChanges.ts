import { z } from "zod";
import type { ResourceStep } from "../engineEvents.ts";

/** The limits of one container that take something of the host. */
const limitsSchema = z.object({
  memoryMiB: z.number(),
  memoryReservationMiB: z.number(),
  cpus: z.number(),
  pids: z.number(),
});
export type HostLimits = z.infer<typeof limitsSchema>;

export const limitChangeSchema = z.object({
  /** Server, service or "gateway". */
  component: z.string(),
  /** Undefined for one that the update adds. */
  before: limitsSchema.optional(),
  /** Undefined for one that it removes. */
  after: limitsSchema.optional(),
});
export type LimitChange = z.infer<typeof limitChangeSchema>;

const inputsSchema = z.looseObject({ component: z.string(), limits: limitsSchema });
/** The resource that puts a container's limits into force has them all among its inputs. */
const LIMITED = ":ProcessLimit";

/**
 * Limits of every container before and after the update, by name; a preview that broke off knows those only that it
 * came to.
 */
export function limitChanges(steps: readonly ResourceStep[]): LimitChange[] {
  const found = new Map<string, LimitChange>();
  for (const step of steps) {
    if (step.when !== "planned" || step.op === "refresh" || !step.type.endsWith(LIMITED)) continue;
    const [before, after] = [
      inputsSchema.safeParse(step.old?.inputs).data,
      inputsSchema.safeParse(step.new?.inputs).data,
    ];
    const component = (after ?? before)?.component;
    if (component === undefined) continue;
    // A replacement comes as three steps, the removal of the old one among them.
    const known = found.get(component) ?? { component };
    if (before) known.before = before.limits;
    if (after) known.after = after.limits;
    found.set(component, known);
  }
  return [...found.values()].sort((a, b) => (a.component < b.component ? -1 : 1));
}
