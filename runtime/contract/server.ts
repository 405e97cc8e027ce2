import * as z from "zod";
import { limitsSchema } from "./limits.ts";

/** Name of a server: the DNS alias on its network and the prefix of its tools on the gateway. */
export const serverNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, "1 to 40 of a-z, 0-9 and '-', beginning with a letter")
  .refine((name) => !name.includes("--"), "no '--'");

/** A harmless tool call whose checked result proves that the server works (R-HLT-01). */
export const proofCallSchema = z.strictObject({
  tool: z.string().min(1),
  arguments: z.record(z.string(), z.json()),
  /** A string that the text of the result must contain. */
  expectText: z.string().optional(),
});
export type ProofCall = z.infer<typeof proofCallSchema>;

/** Bounds that few servers need to change; each has its default in the supervisor (supervisor/settings.ts). */
export const serverTuningSchema = z.strictObject({
  /** Time between SIGTERM and SIGKILL. @default 5 */
  graceSeconds: z.number().positive().optional(),
  /** Time that running calls have to end when the container is stopped; Docker's 10 s hold this and the one above. @default 4 */
  drainSeconds: z.number().min(0).optional(),
  /** A session without a call for this long is closed, with its child when isolated. @default 900 */
  idleSeconds: z.number().positive().optional(),
  /** Sessions that may be open at once. @default 1000 */
  maxSessions: z.int().min(1).optional(),
  /** Calls that one child works on at once. @default 128 */
  maxConcurrentCalls: z.int().min(1).optional(),
  /** Calls that wait for their turn; beyond it they get 503. @default 512 */
  maxQueuedCalls: z.int().min(0).optional(),
  /** Largest message in either direction. @default 8192 */
  maxMessageKiB: z.int().min(1).optional(),
  /** Failures inside `restartWindowSeconds` after which the state is `crash-loop` (R-PRC-13). @default 5 */
  restartFailures: z.int().min(1).optional(),
  /** @default 600 */
  restartWindowSeconds: z.number().positive().optional(),
  /** How long a crash loop is left alone before one more try. @default 600 */
  coolDownSeconds: z.number().positive().optional(),
  /** R-PRC-04. @default 5 */
  spawnsPer10Seconds: z.int().min(1).optional(),
  /** R-PRC-04. @default 15 */
  spawnsPerMinute: z.int().min(1).optional(),
  /** How often the ladder looks while all is normal, and while it is not. @default [30, 10] */
  ladderSeconds: z.tuple([z.number().positive(), z.number().positive()]).optional(),
});
export type ServerTuning = z.infer<typeof serverTuningSchema>;

/**
 * What the supervisor of one server reads from its contract file (CONTRACT_PATH).
 * Written by the program (SecretFiles), read at start and again on SIGHUP.
 */
export const serverContractSchema = z.strictObject({
  version: z.literal(1),
  estate: z.string(),
  stack: z.string(),
  name: serverNameSchema,
  /** Package version of the server, reported by `/servers`. */
  serverVersion: z.string(),
  /** stdio: JSON-RPC lines on the child's stdin and stdout; http: the child listens on loopback `PORT`. */
  transport: z.enum(["stdio", "http"]),
  /** Absolute path of the executable and its arguments; never a shell line. */
  command: z.array(z.string()).min(1),
  cwd: z.string(),
  /** The whole environment of the child: nothing is inherited, unless `imageEnv` says so. */
  env: z.record(z.string(), z.string()),
  /** What the image itself gives lies below `env`: others' images rely on theirs. @default false */
  imageEnv: z.boolean().optional(),
  /** Environment variable of the child → file below SECRETS_DIR that holds its value. */
  secretEnv: z.record(z.string(), z.string()),
  /** shared: one child for all sessions; isolated: one child per principal from a bounded pool. */
  sharing: z.enum(["shared", "isolated"]),
  /** Most children at once when `sharing` is isolated. */
  maxChildren: z.int().min(1),
  limits: limitsSchema,
  proof: proofCallSchema.optional(),
  health: z.strictObject({
    intervalSeconds: z.number().positive(),
    timeoutSeconds: z.number().positive(),
    /** Failed probes in a row before the state turns unhealthy. */
    failures: z.int().min(1),
  }),
  callTimeoutSeconds: z.number().positive(),
  /** What the operator wants: a stopped or quarantined server has no child and says so. @default running */
  desiredState: z.enum(["running", "stopped", "quarantined"]).optional(),
  /** Written by `npm run contain`, never by the program, so that the next update takes it away: why it is quarantined. */
  contained: z.string().optional(),
  tuning: serverTuningSchema.optional(),
});
export type ServerContract = z.infer<typeof serverContractSchema>;
