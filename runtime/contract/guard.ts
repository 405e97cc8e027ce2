import * as z from "zod";
import { limitsSchema } from "./limits.ts";
import { signatureSchema } from "./signature.ts";

/** One container as the guard is to find it on its host. */
export const guardedSchema = z.strictObject({
  /** Name of the component, with its instance where there are several: NAME, NAME--2. */
  name: z.string().min(1),
  /** Under which its processes run: of this component alone on the whole host. Absent where its image has its own. */
  uid: z.int().min(1).optional(),
  limits: limitsSchema,
});
export type Guarded = z.infer<typeof guardedSchema>;

/** What the guard reads from its contract file, at start and again on SIGHUP. */
export const guardContractSchema = z.strictObject({
  version: z.literal(1),
  estate: z.string(),
  stack: z.string(),
  limits: limitsSchema,
  /** Seconds between two rounds. */
  intervalSeconds: z.number().positive(),
  /** Restart what its own supervisor cannot mend; else only tell. */
  act: z.boolean(),
  /** Seconds that a cause must last before a container is restarted. */
  patienceSeconds: z.number().positive(),
  containers: z.array(guardedSchema),
  /** Servers whose processes are looked for outside of containers. */
  servers: z.array(signatureSchema),
  /** Texts: a process outside of containers whose command line holds one is left out. */
  hostAllowed: z.array(z.string()),
});
export type GuardContract = z.infer<typeof guardContractSchema>;

/** What a filter before Docker reads from its contract file, at start: nothing is allowed but what it names. */
export const controlContractSchema = z.strictObject({
  version: z.literal(1),
  estate: z.string(),
  stack: z.string(),
  limits: limitsSchema,
  /** Names of the labels by which a container of this stack is known. */
  labels: z.strictObject({ estate: z.string(), stack: z.string(), component: z.string() }),
  /** Restarts of one component: so many within so many seconds. */
  restarts: z.strictObject({ most: z.int().min(1), withinSeconds: z.number().positive() }).optional(),
  /** What this stack's containers have written. */
  logs: z.literal(true).optional(),
});
export type ControlContract = z.infer<typeof controlContractSchema>;

/** Where the filter listens: a folder of both, and of nobody else. */
export const CONTROL_DIR = "/run/control";
export const CONTROL_SOCKET = `${CONTROL_DIR}/control.sock`;
/** Where the filter finds Docker. */
export const DOCKER_SOCKET = "/run/docker.sock";
/** Where the guard finds the host's processes and control groups, read-only. */
export const HOST_PROC = "/host/proc";
export const HOST_CGROUPS = "/host/cgroup";

/** A container of this stack, in the filter's words. */
export const controlledSchema = z.object({
  id: z.string(),
  component: z.string(),
  /** Docker's word: running, paused, restarting, exited… */
  state: z.string(),
  /** What its own probe says, where it has one: unhealthy, its program says so; silent, it says nothing. */
  health: z.enum(["healthy", "unhealthy", "silent", "starting", "none"]),
});
export type Controlled = z.infer<typeof controlledSchema>;
