import { z } from "zod";
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
  /** The whole environment of the child: nothing is inherited. */
  env: z.record(z.string(), z.string()),
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
});
export type ServerContract = z.infer<typeof serverContractSchema>;
