import { isIP } from "node:net";
import type { IncomingMessage } from "node:http";
import { Fault } from "./faults.ts";

/** Names beside IP literals, `localhost` and single-label names (Docker aliases) under which a client may call. */
export interface HostRules {
  readonly hosts: readonly string[];
  /** Whole origins, for example `https://mcp.example.org`. */
  readonly origins: readonly string[];
}

/** The host part of `name`, `name:port`, `[v6]:port`; lower case. */
function hostName(value: string): string {
  const lower = value.toLowerCase();
  if (lower.startsWith("[")) return lower.slice(1, Math.max(1, lower.indexOf("]")));
  const colon = lower.lastIndexOf(":");
  return colon === -1 ? lower : lower.slice(0, colon);
}

/**
 * Is this a host that a foreign web page cannot own? DNS rebinding needs a public name, which has a dot and is no
 * address; such a name must be listed.
 */
function isTrustedHost(host: string, rules: HostRules): boolean {
  if (host === "") return false;
  return isIP(host) !== 0 || !host.includes(".") || rules.hosts.includes(host);
}

/** Only loopback pages are trusted unless listed: a page on another machine of the network is a foreign page. */
function isTrustedOrigin(origin: string, rules: HostRules): boolean {
  if (rules.origins.includes(origin)) return true;
  if (!URL.canParse(origin)) return false;
  return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(origin).hostname);
}

/** Protects against DNS rebinding and cross-site calls. Throws Fault "forbidden" (403) that names the header. */
export function checkHost(request: IncomingMessage, rules: HostRules): void {
  const host = request.headers.host;
  if (host === undefined || !isTrustedHost(hostName(host), rules)) {
    throw new Fault("forbidden", `the Host ${JSON.stringify(host ?? "")} is not allowed here`);
  }
  const origin = request.headers.origin;
  if (origin !== undefined && !isTrustedOrigin(origin, rules)) {
    throw new Fault("forbidden", `the Origin ${JSON.stringify(origin)} is not allowed here`);
  }
}
