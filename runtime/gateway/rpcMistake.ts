/** A mistake of the client inside the protocol: a JSON-RPC error in an ordinary answer, as MCP has it. */
export class RpcMistake extends Error {
  override readonly name = "RpcMistake";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const RESOURCE_NOT_FOUND = -32002;
