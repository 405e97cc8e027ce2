import { lookup as systemLookup, Resolver, type LookupAddress, type LookupOptions } from "node:dns";
import { isIP } from "node:net";

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** A stopped container's name must fail fast. */
const resolver = new Resolver({ timeout: 1000, tries: 2 });

/**
 * Resolves names without getaddrinfo: that one blocks a thread of a pool of four, so that a few names that do not
 * resolve would hold up the calls to all other servers. Names without a DNS record (/etc/hosts) go the ordinary way.
 */
export function lookup(host: string, options: LookupOptions, answer: Answer): void {
  if (isIP(host) !== 0 || host === "localhost") return systemLookup(host, options, answer);
  resolver.resolve4(host, (error, addresses) => {
    const first = addresses?.[0];
    if (error !== null || first === undefined) return systemLookup(host, options, answer);
    if (options.all === true)
      answer(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
    else answer(null, first, 4);
  });
}
