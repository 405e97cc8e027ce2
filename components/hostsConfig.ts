import { z } from "zod";
import { existingHostsSchema } from "./existingHostsConfig.ts";
import { lambdaHostsSchema } from "./lambdaHostsConfig.ts";

/** Machines of a stack's own, for a swarm of its own: of one kind. */
export const hostsSchema = z
  .strictObject({
    /** Launched at Lambda Labs. */
    lambda: lambdaHostsSchema.optional(),
    /** There already. */
    existing: existingHostsSchema.optional(),
  })
  .refine(
    ({ lambda, existing }) => (lambda === undefined) !== (existing === undefined),
    "lambda or existing is allowed",
  );

export type HostsConfig = z.infer<typeof hostsSchema>;

/** Names in their order, the manager first. */
export function machineNames({
  machines,
  manager,
}: {
  machines: Readonly<Record<string, unknown>>;
  manager?: string | undefined;
}): [string, ...string[]] {
  const names = Object.keys(machines).sort();
  const first = manager ?? names[0] ?? "";
  return [first, ...names.filter((name) => name !== first)];
}

/** One line per fault between the fields. */
export function hostsFaults(hosts: HostsConfig, namespace: string): string[] {
  return Object.entries(hosts).flatMap(([kind, { machines, manager }]) => {
    if (manager === undefined || manager in machines) return [];
    const allowed = Object.keys(machines).sort().join(", ");
    return [`${namespace}:hosts.${kind}.manager: "${manager}" given; allowed are ${allowed}`];
  });
}
