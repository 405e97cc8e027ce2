import { z } from "zod";

/** An unquoted date in YAML is a point in time to the engine, which hands it on as Go writes it. */
const GO_TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d)(\d\d) \S+$/;

const written = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/** A point in time in the settings; a date alone is its begin in UTC. */
export const instantSchema = z
  .string()
  .refine(
    (text) => instantOf(text) !== undefined,
    "a date such as 2026-12-31 (its begin in UTC), or with time and zone such as 2026-12-31T18:00:00Z",
  );

/** The same in ISO 8601 and UTC; undefined when the text is none. */
export function instantOf(text: string): string | undefined {
  const iso = text.replace(GO_TIME, "$1T$2$3:$4");
  return written.safeParse(iso).success ? new Date(iso).toISOString() : undefined;
}
