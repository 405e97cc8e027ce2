import type { IncomingMessage } from "node:http";
import { isIPv4 } from "node:net";
import { header } from "../wire/httpIo.ts";
import { blockOf } from "./addresses.ts";

/** Who has sent a request; undefined when the connection is gone. */
export type ClientAddress = (request: IncomingMessage) => string | undefined;

/**
 * The address of the client, through a proxy too: `X-Forwarded-For` counts only when the connection comes from
 * `proxySubnet`, and of it only the last one, which the proxy itself has written.
 * @param proxySubnet IPv4 block in CIDR notation. @default none: the connection's own address is the client's
 */
export function clientAddressReader(proxySubnet: string | undefined): ClientAddress {
  const proxies = proxySubnet === undefined ? undefined : blockOf(proxySubnet);
  return (request) => {
    const peer = request.socket.remoteAddress?.replace(/^::ffff:/, "");
    if (peer === undefined || !isIPv4(peer) || !proxies?.check(peer)) return peer;
    return header(request, "x-forwarded-for")?.split(",").at(-1)?.trim() ?? peer;
  };
}
