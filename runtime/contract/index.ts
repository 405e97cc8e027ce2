/** What the program and the programs in the images must agree on: the one part of runtime/ that the program imports. */
export { limitsSchema, type Limits } from "./limits.ts";
export {
  proofCallSchema,
  serverContractSchema,
  serverNameSchema,
  serverTuningSchema,
  type ProofCall,
  type ServerContract,
  type ServerTuning,
} from "./server.ts";
export {
  gatewayContractSchema,
  gatewayServerSchema,
  instanceSchema,
  OWNER,
  principalSchema,
  type GatewayContract,
  type GatewayServer,
  type Instance,
  type PrincipalContract,
} from "./gateway.ts";
export {
  gatewayTokenSchema,
  gatewayTokensSchema,
  hashToken,
  type GatewayToken,
  type GatewayTokens,
} from "./gatewayTokens.ts";
export {
  CONTROL_DIR,
  CONTROL_SOCKET,
  controlContractSchema,
  controlledSchema,
  DOCKER_SOCKET,
  guardContractSchema,
  HOST_CGROUPS,
  HOST_PROC,
  type ControlContract,
  type Controlled,
  type GuardContract,
  type Guarded,
} from "./guard.ts";
export { COLLECTOR_DATA_DIR, COLLECTOR_SECRETS, collectorContractSchema, type CollectorContract } from "./collector.ts";
export { MONITOR_PAGE_DIR, MONITOR_PATH, monitorContractSchema, type MonitorContract } from "./monitor.ts";
export { serverOf, signatureSchema, type ServerSignature } from "./signature.ts";

/** Folder of the secret files in every container, a small volume of its own: root:GID, 0440 each. */
export const SECRETS_DIR = "/run/secrets";
/** The contract file in every container; no secret, but delivered the same way. */
export const CONTRACT_NAME = "contract.json";
export const CONTRACT_PATH = `${SECRETS_DIR}/${CONTRACT_NAME}`;
/** Where supervisor and gateway listen inside their containers. */
export const SERVICE_PORT = 8000;

/** Where a gateway tells a proxy whether both run on one node, which the proxy names in NODE_HEADER. */
export const NEAR_PORT = 8002;
export const NODE_HEADER = "x-node";
/** Environment variable with the name of the node that a container runs on, where there are several. */
export const NODE_VARIABLE = "MCP_ESTATE_NODE";

/** The program in an image, which the init starts as its only child. */
export type Program = "supervisor" | "gateway" | "guard" | "control" | "collector" | "monitor";

/** Where it lies there, bundled. */
export function programPath(program: Program): string {
  return `/opt/mcp-estate/${program}.mjs`;
}
