/** A /29 has five addresses; two are the gateway's, as a new one runs beside the old for a while. */
export const MAX_INSTANCES = 3;
/** One more is the proxy's for those that reach something outside. */
export const MAX_EGRESS_INSTANCES = MAX_INSTANCES - 1;

/**
 * Host names of a server's containers, and what their resources are called: the first has the server's own, so that it
 * stays as it is when others come. Names of servers hold no `--`, so no other server has any of these.
 */
export function instanceNames({ name, instances }: { name: string; instances: number }): string[] {
  return Array.from({ length: instances }, (_, index) => (index === 0 ? name : `${name}--${index + 1}`));
}
