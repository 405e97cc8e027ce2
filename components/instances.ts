/** Hosts that fit into a /29 beside the bridge. */
const ADDRESSES = 5;
/** A new gateway runs beside the old one for a while. */
const GATEWAYS = 2;

export const MAX_INSTANCES = ADDRESSES - GATEWAYS;
/** One more is the proxy's for those that reach something outside. */
export const MAX_EGRESS_INSTANCES = MAX_INSTANCES - 1;

/**
 * May a new container run beside the old one? Not with a volume, which two must not write at once; and the addresses of
 * a server's network are enough for two times one.
 */
export function mayRunTwice({ hasVolumes, instances }: { hasVolumes: boolean; instances: number }): boolean {
  return !hasVolumes && instances === 1;
}

/** How many others can join a server's network: the proxy, services. */
export function networkPlaces(server: { instances: number; mayRunTwice: boolean }): number {
  return ADDRESSES - GATEWAYS - (server.mayRunTwice ? 2 : server.instances);
}

/**
 * Host names of a server's containers, and what their resources are called: the first has the server's own, so that it
 * stays as it is when others come. Names of servers hold no `--`, so no other server has any of these.
 */
export function instanceNames({ name, instances }: { name: string; instances: number }): string[] {
  return Array.from({ length: instances }, (_, index) => (index === 0 ? name : `${name}--${index + 1}`));
}
