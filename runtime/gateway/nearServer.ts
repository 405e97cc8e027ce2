import { createServer, type Server } from "node:http";
import { NODE_HEADER } from "../contract/index.ts";
import { sendJson } from "../wire/httpIo.ts";
import type { Gateway } from "./gateway.ts";

/**
 * Tells a proxy whether this gateway runs on its own node and takes calls: 200, else 404. A proxy that prefers such a one
 * loses no call with another node.
 * @param node name of the node that this gateway runs on.
 */
export function createNearServer(gateway: Gateway, node: string): Server {
  return createServer((request, response) => {
    request.resume();
    const isNear = request.headers[NODE_HEADER] === node && gateway.readiness().state === "healthy";
    sendJson(response, isNear ? 200 : 404, { node, near: isNear });
  });
}
