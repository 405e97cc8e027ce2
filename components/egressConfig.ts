import { isIP } from "node:net";

/** Port of the proxy for what servers may reach outside. */
export const EGRESS_PORT = 3128;

/** One place outside that a server may reach. */
export interface EgressTarget {
  /** A name, an address, or `*.` and a domain for all names below it. */
  host: string;
  port: number;
}

const HOST = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

/** `example.org:443` and the like; undefined for what is no such place. */
export function parseTarget(text: string): EgressTarget | undefined {
  const colon = text.lastIndexOf(":");
  const [host, port] = [text.slice(0, colon), Number(text.slice(colon + 1))];
  const isPlace = HOST.test(host) && Number.isInteger(port) && port >= 1 && port <= 65_535;
  return colon > 0 && isPlace ? { host: host.toLowerCase(), port } : undefined;
}

export interface EgressServer {
  /** IPv4 block of its network: that is how the proxy knows it. */
  subnet: string;
  targets: readonly EgressTarget[];
}

/** Where nobody gets by a name: what is private, or this machine's own, resolves from a name that somebody else owns. */
const PRIVATE = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::1/128", "::ffff:0:0/96", "fc00::/7", "fe80::/10"],
];

/**
 * Squid's configuration: each server reaches what it declares, and nothing else. A name is looked up only once it is known
 * to be declared, so that nothing leaves in a query either; one that leads to a private address is refused, unless the
 * address itself was declared.
 */
export function egressConfig(servers: readonly EgressServer[]): string {
  const rules = servers.flatMap(({ subnet, targets }, server) => [
    `acl from${server} src ${subnet}`,
    ...targets.flatMap(({ host, port }, index) => {
      const [name, portName] = [`host${server}x${index}`, `port${server}x${index}`];
      return [
        `acl ${name} ${hostRule(host)}`,
        `acl ${portName} port ${port}`,
        // A tunnel carries anything; plain requests are HTTP.
        `http_access allow from${server} ${name} ${portName}${isIP(host) === 0 ? " !private" : ""}`,
      ];
    }),
  ]);
  const lines = [
    `http_port ${EGRESS_PORT}`,
    "visible_hostname egress",
    "pid_filename none",
    "coredump_dir /tmp",
    "netdb_filename none",
    "cache deny all",
    "cache_mem 0",
    "memory_pools off",
    "memory_cache_shared off",
    "max_filedescriptors 4096",
    "shutdown_lifetime 1 second",
    "connect_timeout 10 seconds",
    "cache_log stdio:/dev/stderr",
    "access_log stdio:/dev/stdout",
    // Who asks and through what is nobody's business outside.
    "forwarded_for delete",
    "via off",
    `acl private dst ${PRIVATE.join(" ")}`,
    "acl probe src 127.0.0.1/32",
    "http_access allow probe manager",
    "http_access deny manager",
    ...rules,
    "http_access deny all",
  ];
  return `${lines.join("\n")}\n`;
}

/** -n: an address is no reason for a look-up in reverse. */
function hostRule(host: string): string {
  if (!host.startsWith("*.")) return `dstdomain -n ${host}`;
  return `dstdom_regex -n -i ^[^.].*\\.${host.slice(2).replaceAll(".", "\\.")}$`;
}

/** What tells a child to go through the proxy; what it asks of its own container does not. */
export function egressEnv(): Record<string, string> {
  const proxy = `http://egress:${EGRESS_PORT}`;
  const local = "localhost,127.0.0.1,::1";
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: local,
    no_proxy: local,
    // Node's own fetch looks at these only when it is told to.
    NODE_USE_ENV_PROXY: "1",
  };
}
