import * as z from "zod";
import { limitsSchema } from "./limits.ts";
import { serverNameSchema } from "./server.ts";

/** One server as the gateway sees it. */
export const upstreamSchema = z.strictObject({
  name: serverNameSchema,
  /** Base URL of the supervisor, for example http://memory:8000. */
  url: z.url(),
  /** Transport between the supervisor and its child; reported by `/servers`. */
  transport: z.enum(["stdio", "http"]),
  serverVersion: z.string(),
  sharing: z.enum(["shared", "isolated"]),
});
export type Upstream = z.infer<typeof upstreamSchema>;

/** What the gateway reads from its contract file (CONTRACT_PATH), at start and again on SIGHUP. */
export const gatewayContractSchema = z.strictObject({
  version: z.literal(1),
  estate: z.string(),
  stack: z.string(),
  limits: limitsSchema,
  servers: z.array(upstreamSchema),
  /** File below SECRETS_DIR with the bearer token. */
  tokenFile: z.string(),
  callTimeoutSeconds: z.number().positive(),
  /** How often `/ready` of each supervisor is read, in seconds. */
  healthIntervalSeconds: z.number().positive(),
  /** Public names under which clients may call (Host header), beside addresses and names without a dot. @default [] */
  allowedHosts: z.array(z.string()).optional(),
  /** Web origins that may call, for example https://mcp.example.org, beside loopback ones. @default [] */
  allowedOrigins: z.array(z.string()).optional(),
  /** Calls that one server may work on at once through this gateway. @default 64 */
  maxConcurrentCalls: z.int().min(1).optional(),
  /** Calls per server that wait for their turn; beyond it they get 503. @default 256 */
  maxQueuedCalls: z.int().min(0).optional(),
});
export type GatewayContract = z.infer<typeof gatewayContractSchema>;
