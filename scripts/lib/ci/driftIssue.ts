import type { Drift } from "../drift.ts";
import { code, count, markdownTable } from "./markdown.ts";

/** Rows that are shown; whoever needs more runs `npm run drift`. 100 rows of four cells stay under GitHub's 65,536 characters. */
const ROWS = 100;

/** Stands first in the issue, unseen; by it the next run finds the issue of this stack again. */
export function driftMarker(stack: string): string {
  return `<!-- mcp-estate:drift:${stack} -->`;
}

export function driftIssue(stack: string, drift: readonly Drift[]): { title: string; body: string } {
  const cells = drift.slice(0, ROWS).map(({ resource, property, declared, found }) => {
    return [resource, property, declared, found].map((text) => code(text.slice(0, 60)));
  });
  const rest = drift.length - cells.length;
  const body = [
    driftMarker(stack),
    `What runs in stack ${code(stack)} is not what was deployed:`,
    markdownTable(["Resource", "Property", "Declared", "Found"], cells) + (rest > 0 ? `\n\n… and ${rest} more.` : ""),
    `\`npm run up -- --stack ${stack}\` puts it right; to keep something, declare it in \`Pulumi.${stack}.yaml\` first. This issue is kept up to date, and closed when nothing is left.`,
  ].join("\n\n");
  return { title: `Drift in stack ${stack}: ${count(drift.length, "difference")}`, body };
}
