import { z } from "zod";

/** One server as the gateway's last functional proof found it. */
const serverSchema = z.object({
  name: z.string(),
  state: z.string(),
  /** Seconds since the last proof; null before the first. */
  ageSeconds: z.number().nullable(),
  tools: z.int(),
  reason: z.string().nullable(),
  /** No call proves it: it lists its tools, and nobody knows more. */
  listsOnly: z.boolean(),
});
export type ServerFacts = z.infer<typeof serverSchema>;

/** One container as Docker and the kernel have it. */
const containerSchema = z.object({
  /** Component, or instance where there are several. */
  name: z.string(),
  /** Docker's words: running, paused, exited… */
  state: z.string(),
  /** What its probe says; none where it has none. */
  health: z.string(),
  tasks: z.number(),
  /** In force; 0 is none. */
  pidsLimit: z.number(),
  processes: z.number(),
  memoryMiB: z.number(),
  /** In force; 0 is none. */
  memoryLimitMiB: z.number(),
  /** By Docker itself, since it was made. */
  restarts: z.number(),
  upSeconds: z.number(),
  /** What the stack declares of a server; absent of other components. */
  declared: z.object({ pids: z.number(), memoryMiB: z.number() }).optional(),
});
export type ContainerFacts = z.infer<typeof containerSchema>;

const alertSchema = z.object({
  name: z.string(),
  severity: z.string(),
  level: z.string(),
  summary: z.string(),
  sinceSeconds: z.number(),
});
export type AlertFacts = z.infer<typeof alertSchema>;

/** What the monitoring says. */
const monitoringSchema = z.object({
  /** Scrapes that fail. */
  down: z.array(z.string()),
  alerts: z.array(alertSchema),
  /** Containers that have more processes than ten minutes ago; absent where history is shorter. */
  growing: z.array(z.string()).optional(),
});
export type MonitoringFacts = z.infer<typeof monitoringSchema>;

/** Everything that one screen shows. What could not be asked is a fault in words. */
export const factsSchema = z.object({
  stack: z.string(),
  /** Servers that are declared. */
  declared: z.array(z.string()),
  gatewayUrl: z.string(),
  servers: z.array(serverSchema),
  containers: z.array(containerSchema),
  /** Absent where the stack has none. */
  monitoring: monitoringSchema.optional(),
  faults: z.array(z.string()),
});
export type Facts = z.infer<typeof factsSchema>;
