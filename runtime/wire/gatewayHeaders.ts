/**
 * What a gateway and a supervisor tell each other beside MCP. A gateway never hands on what a client sends under these
 * names, and only a gateway reaches a supervisor.
 */

/** Gateway → supervisor: who calls; a session belongs to the principal that opened it. */
export const PRINCIPAL_HEADER = "mcp-estate-principal";
/** Gateway → supervisor, with `initialize`: one session for all calls of this principal that have none of their own. */
export const COMMON_HEADER = "mcp-estate-common";
/** Supervisor → gateway: which fault an answer is, told without reading it. */
export const FAULT_HEADER = "mcp-estate-fault";
