import * as z from "zod";
import { limitsSchema } from "./limits.ts";
import { serverNameSchema } from "./server.ts";

/** One container of a server, with a supervisor of its own. */
export const instanceSchema = z.strictObject({
  /** Host name on the server's network: the server's own for the first, NAME--2 and so on for the others. */
  name: z.string().min(1),
  /** Base URL of the supervisor, for example http://memory:8000. */
  url: z.url(),
  /** Whether it has the GPU that it asks for; absent where it asks for none. */
  gpu: z.boolean().optional(),
});
export type Instance = z.infer<typeof instanceSchema>;

/** One server as the gateway sees it. */
export const gatewayServerSchema = z.strictObject({
  name: serverNameSchema,
  /** Containers that share the calls. */
  instances: z.array(instanceSchema).min(1),
  /** Transport between the supervisor and its child; reported by `/servers`. */
  transport: z.enum(["stdio", "http"]),
  serverVersion: z.string(),
  sharing: z.enum(["shared", "isolated"]),
  /** Tools that may run twice: only their calls are repeated when the server was lost. @default [] */
  repeatableTools: z.array(z.string().min(1)).optional(),
  /** Tools whose calls go to instances with a GPU, as long as one of those takes calls. @default [] */
  gpuTools: z.array(z.string().min(1)).optional(),
  /** No call of a tool proves it: that it lists its tools is all that is known. @default false */
  listsOnly: z.boolean().optional(),
});
export type GatewayServer = z.infer<typeof gatewayServerSchema>;

/** The caller whose tokens are the estate's own: no limits, and the only one that needs no entry in the contract. */
export const OWNER = "owner";

/** One caller beside the owner. */
export const principalSchema = z.strictObject({
  name: z.string().min(1),
  /** May it see what is of the estate as a whole: `/metrics`? @default false */
  admin: z.boolean().optional(),
  /**
   * What it reaches: server → "*" for all of it, or names of tools, of which "read_*" stands for all that begin so. The
   * server "*" stands for all that are not named. @default everything
   */
  scopes: z.record(z.string(), z.union([z.literal("*"), z.array(z.string().min(1))])).optional(),
  /** Requests of any kind, on all its connections together. @default no limit */
  rateLimit: z.strictObject({ requestsPerSecond: z.number().positive(), burst: z.int().min(1) }).optional(),
});
export type PrincipalContract = z.infer<typeof principalSchema>;

/** What the gateway reads from its contract file (CONTRACT_PATH), at start and again on SIGHUP. */
export const gatewayContractSchema = z.strictObject({
  version: z.literal(1),
  estate: z.string(),
  stack: z.string(),
  limits: limitsSchema,
  servers: z.array(gatewayServerSchema),
  /** File below SECRETS_DIR with the hashes of all bearer tokens (gatewayTokensSchema). */
  tokensFile: z.string(),
  /** Callers beside the owner; isolated servers keep them apart. @default [] */
  principals: z.array(principalSchema).optional(),
  /** File below SECRETS_DIR with what session ids are signed with; gateways that share it share sessions. @default none */
  sessionKeyFile: z.string().optional(),
  /** The proxy in front: it balances by `/ready` and names clients. @default no proxy */
  proxy: z
    .object({
      /** IPv4 block of its network, in CIDR notation. */
      subnet: z.cidrv4(),
      /**
       * Name of all gateways there, with the network's (NAME.NETWORK): while there are several, the newest that is ready
       * takes the calls. @default all do
       */
      gatewayName: z.string().optional(),
    })
    .optional(),
  /** Where spans of its requests go, by OTLP, and of which share of those whose caller does not say. @default nowhere */
  traces: z.strictObject({ url: z.url(), share: z.number().min(0).max(1) }).optional(),
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
