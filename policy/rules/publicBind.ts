import { BlockList, isIPv6 } from "node:net";
import { LABEL_TLS } from "../../components/naming.ts";
import { CONTAINER, objectsOf, UNKNOWN, type Inputs } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

/** Addresses that reach nobody: loopback, and those of documentation (RFC 5737), which previews put for unknown ones. */
const unreachable = new BlockList();
unreachable.addSubnet("127.0.0.0", 8);
unreachable.addSubnet("192.0.2.0", 24);
unreachable.addAddress("::1", "ipv6");

/** R-SEC-06: what others reach from outside is encrypted, by a container that says so of its port (the edge) alone. */
export const publicBind: ResourceRule = {
  name: "no-public-bind",
  description: "Ports of the host are on loopback unless TLS is behind them.",
  severity: "mandatory",
  types: [CONTAINER],
  check({ inputs: { ports, labels } }) {
    const mark = objectsOf(labels).find(({ label }) => label === LABEL_TLS)?.["value"];
    const encrypted = typeof mark === "string" ? mark.split(",") : [];
    return objectsOf(ports)
      .filter(({ ip, internal }) => isPublic(ip) && !encrypted.includes(String(internal)))
      .map((port) => ({
        why: `host port ${portOf(port)} on ${addressOf(port)}, without TLS`,
        todo: "bind it to 127.0.0.1 (the gateway's port takes a certificate, mcp-estate:gateway.tls), or exempt it with the reason",
      }));
  },
};

function isPublic(ip: unknown): boolean {
  if (ip === UNKNOWN) return false;
  return typeof ip !== "string" || ip === "" || !unreachable.check(ip, isIPv6(ip) ? "ipv6" : "ipv4");
}

function portOf({ external }: Inputs): string {
  return typeof external === "number" ? String(external) : "that Docker chooses";
}

function addressOf({ ip }: Inputs): string {
  return typeof ip === "string" && ip !== "" ? ip : "0.0.0.0 (no ip given)";
}
