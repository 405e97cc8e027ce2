import type { Drift } from "./drift.ts";
import { table } from "./log.ts";

/** Drift as a table that can be scanned, or one line that there is none. */
export function driftTable(drift: readonly Drift[]): string {
  if (drift.length === 0) return "No drift: what runs is what was deployed.";
  const rows = drift.map(({ resource, property, declared, found }) => [resource, property, declared, found]);
  return `Changed by hand (${drift.length}):\n\n${table(["RESOURCE", "PROPERTY", "DECLARED", "FOUND"], rows)}`;
}
