import { z } from "zod";

/** What `npm audit --json` found, or why it could not ask. */
export type Audit = { answered: true; found: Vulnerability[] } | { answered: false; why: string };

export interface Vulnerability {
  package: string;
  /** Versions that have it. */
  range: string;
  severity: string;
}

/** Report version 2 of npm's; what it has more is for people. */
const report = z.object({
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })),
});
/** The same command's words when the registry gives no such answer: not every mirror has that endpoint. */
const refusal = z.object({ message: z.string() });

/**
 * @param json stdout of `npm audit --json`.
 * @throws SyntaxError or ZodError when it is neither a report nor a refusal.
 */
export function readAudit(json: string): Audit {
  const parsed: unknown = JSON.parse(json);
  const refused = refusal.safeParse(parsed);
  if (refused.success) return { answered: false, why: refused.data.message };
  const { vulnerabilities } = report.parse(parsed);
  const found = Object.entries(vulnerabilities).map(([name, { severity, range }]) => ({
    package: name,
    range,
    severity,
  }));
  return { answered: true, found };
}

/** `lodash <=4.17.20 (high)`. */
export function inWords({ package: name, range, severity }: Vulnerability): string {
  return `${name} ${range} (${severity})`;
}
