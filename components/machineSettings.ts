import { z } from "zod";

/** How a stack's own machines are reached, as `npm run hosts` notes it. */
export const reachSchema = z.object({ address: z.string(), nodes: z.record(z.string(), z.unknown()) });

/**
 * Machines of a stack's own are its nodes, and the first one's address is where it is called, unless its settings say
 * otherwise.
 * @param settings of the stack by key, without namespace.
 */
export function withMachines(
  settings: Readonly<Record<string, unknown>>,
  { address, nodes }: z.infer<typeof reachSchema>,
): Record<string, unknown> {
  if (settings["target"] !== "swarm" || settings["hosts"] === undefined) return settings;
  return {
    ...settings,
    swarm: { nodes, ...asObject(settings["swarm"]) },
    gateway: { bind: address, ...asObject(settings["gateway"]) },
  };
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
