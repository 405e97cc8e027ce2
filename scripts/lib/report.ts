import type { Drift } from "./drift.ts";
import { table } from "./log.ts";
import type { PlannedChange } from "./plan.ts";

/** Drift as a table that can be scanned, or one line that there is none. */
export function driftTable(drift: readonly Drift[]): string {
  if (drift.length === 0) return "No drift: what runs is what was deployed.";
  const rows = drift.map(({ resource, property, declared, found }) => [resource, property, declared, found]);
  return `Changed by hand (${drift.length}):\n\n${table(["RESOURCE", "PROPERTY", "DECLARED", "FOUND"], rows)}`;
}

/** What an update would do, as a table, or one line that it would do nothing. @param subject "npm run up" in a sentence. */
export function changesTable(changes: readonly PlannedChange[], subject: string): string {
  if (changes.length === 0) return `${subject} would change nothing.`;
  const rows = changes.map(({ action, resource, because }) => [action, resource, because.join(", ")]);
  return `${subject} would make ${changes.length} changes:\n\n${table(["ACTION", "RESOURCE", "BECAUSE OF"], rows)}`;
}

/** Which values stand for others, or nothing where all are real. */
export function placeholderList(placeholders: ReadonlyMap<string, unknown>): string {
  if (placeholders.size === 0) return "";
  const rows = [...placeholders].map(([path, value]) => [path, JSON.stringify(value)]);
  return `Placeholders, because the real values are not at hand (${rows.length}):\n\n${table(["SETTING", "PLACEHOLDER"], rows)}\n\n`;
}
