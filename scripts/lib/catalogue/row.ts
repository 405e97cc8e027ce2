import { z } from "zod";

/** What one run of a server has shown. */
export const rowSchema = z.strictObject({
  name: z.string(),
  /** Package and version. */
  package: z.string(),
  /** proved: a tool was called and said what it must; lists: it lists tools, and no call proves more; untried: not alone. */
  result: z.enum(["proved", "lists", "failed", "untried"]),
  /** Of the proof, why there is none, or what failed. */
  detail: z.string(),
  tools: z.int(),
  /** What of its image was not there yet took so long to build; 0 where all was. */
  buildMs: z.int().default(0),
  /** From the container's start to its first good answer. */
  startMs: z.int(),
  idleMiB: z.number(),
  peakMiB: z.number(),
  memoryLimitMiB: z.number(),
  peakTasks: z.int(),
  pidsLimit: z.int(),
});
export type Row = z.infer<typeof rowSchema>;

/** A limit that is nearer is too near: the next release of the server may not fit any more. */
const MOST = { pids: 0.8, memory: 0.75 };

/** What of an entry's limits does not suit what was measured, in words. */
export function limitFaults({ name, peakMiB, memoryLimitMiB, peakTasks, pidsLimit }: Row): string[] {
  const share = (used: number, limit: number): string => `${Math.round((100 * used) / limit)} %`;
  return [
    ...(peakTasks > MOST.pids * pidsLimit
      ? [`${name}: ${peakTasks} tasks are ${share(peakTasks, pidsLimit)} of ${pidsLimit}, at most 80 % are allowed`]
      : []),
    ...(peakMiB > MOST.memory * memoryLimitMiB
      ? [
          `${name}: ${Math.round(peakMiB)} MiB are ${share(peakMiB, memoryLimitMiB)} of ${memoryLimitMiB}, at most 75 % are allowed`,
        ]
      : []),
  ];
}
