import * as z from "zod";

/**
 * The hard limits of one container. Every field is required: a workload without them is refused.
 * `pids` counts tasks (threads included, as the kernel does); `processes` is the ceiling of the ladder and counts
 * processes only (R-LIM-10).
 */
export const limitsSchema = z
  .strictObject({
    /** Hard memory limit in MiB; swap is never allowed on top of it. */
    memoryMiB: z.int().min(16),
    /** Soft reservation in MiB, at most `memoryMiB`. */
    memoryReservationMiB: z.int().min(1),
    /** CPU quota in cores, for example 0.5. */
    cpus: z.number().positive(),
    /** Tasks (threads count) that the container's cgroup may hold. */
    pids: z.int().min(8),
    /** Processes at which the ladder's first level fires. */
    processes: z.int().min(1),
    /** Open files per process. */
    nofile: z.strictObject({ soft: z.int().min(64), hard: z.int().min(64) }),
    /** Tasks of this container's uid on the whole host; the second line behind `pids`. */
    nproc: z.int().min(16),
  })
  .readonly();

export type Limits = z.infer<typeof limitsSchema>;
