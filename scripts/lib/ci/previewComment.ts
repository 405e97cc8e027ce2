import type { HostLimits, LimitChange } from "./limitChanges.ts";
import { isMandatory } from "../policies/violations.ts";
import { code, count, markdownTable } from "./markdown.ts";
import type { StackPreview } from "./stackPreview.ts";

/** Stands first in the comment, unseen; by it the next run finds the comment again. */
export const PREVIEW_MARKER = "<!-- mcp-estate:preview -->";

/** GitHub takes 65,536 characters and counts some of them twice. */
export const MAX_CHARACTERS = 64_000;
/** Rows of a table and items of a list that are shown, from "all" down until the whole fits. */
const ROWS = [Infinity, 200, 50, 20, 5, 1];
/** A longer table is folded, so that the comment stays one screen. */
const FOLD_ABOVE = 15;

const ACTIONS = ["delete", "replace", "update", "create"] as const;

/**
 * The comment on a pull request: what is refused first, then stack by stack what the update would do, what becomes of the
 * limits, and what was changed by hand. At most MAX_CHARACTERS long, whatever is found.
 * @param revision of the program that was previewed.
 */
export function previewComment(previews: readonly StackPreview[], revision: string): string {
  const ordered = previews.toSorted(
    (a, b) => Number(isRefused(b)) - Number(isRefused(a)) || (a.stack < b.stack ? -1 : 1),
  );
  for (const rows of ROWS) {
    const text = write(ordered, revision, rows);
    if (text.length <= MAX_CHARACTERS) return text;
  }
  return `${write(ordered, revision, 1).slice(0, MAX_CHARACTERS - 20)}\n\n… cut off`;
}

/** By the engine, the program or a provider, or by a policy. */
export function isRefused({ refusals, violations }: StackPreview): boolean {
  return refusals.length > 0 || violations.some(isMandatory);
}

function write(previews: readonly StackPreview[], revision: string, rows: number): string {
  const refused = previews.filter(isRefused).length;
  const changed = previews.filter(({ changes }) => changes.length > 0).length;
  const title =
    refused > 0
      ? `${refused} of ${count(previews.length, "stack")} refused`
      : `${changed} of ${count(previews.length, "stack")} would change`;
  return [
    PREVIEW_MARKER,
    `## Preview: ${title}`,
    overview(previews),
    ...previews.map((preview) => section(preview, rows)).filter((text) => text !== ""),
    `<sub>Preview of ${code(revision)} against what runs now. Nothing was changed.</sub>`,
    "",
  ].join("\n\n");
}

function overview(previews: readonly StackPreview[]): string {
  const rows = previews.map((preview) => {
    const { stack, changes, drift } = preview;
    const numbers = ACTIONS.map((action) => {
      const number = changes.filter((change) => change.action === action).length;
      // Of a plan that broke off nothing is known; one that policies refuse is whole.
      return preview.refusals.length > 0 ? "–" : number === 0 ? "0" : `**${number}**`;
    });
    return [
      code(stack),
      isRefused(preview) ? "🔴 **refused**" : changes.length === 0 ? "⚪ no changes" : "🟢 can be updated",
      ...numbers,
      drift.length === 0 ? "none" : `**${drift.length}**`,
      policyCell(preview),
    ];
  });
  return markdownTable(["Stack", "Result", ...ACTIONS, "Drift", "Policy"], rows, [2, 3, 4, 5]);
}

function policyCell({ violations }: StackPreview): string {
  const mandatory = violations.filter(isMandatory).length;
  const advisory = violations.length - mandatory;
  return [
    ...(mandatory > 0 ? [`**${count(mandatory, "violation")}**`] : []),
    ...(advisory > 0 ? [count(advisory, "warning")] : []),
  ].join(", ");
}

function section(preview: StackPreview, rows: number): string {
  const { stack, refusals, placeholders, violations, changes, limits, drift } = preview;
  const refused = violations.filter(isMandatory);
  const advised = violations.filter((violation) => !isMandatory(violation));
  const parts = [
    refusals.length > 0 ? `**Refused:**\n${list(refusals, rows)}` : "",
    placeholders.length > 0
      ? `**Previewed with placeholders for:** ${placeholders.slice(0, rows).map(code).join(", ")}`
      : "",
    refused.length > 0
      ? violationsTable(`Policy violated (${refused.length}); the update is refused`, refused, rows)
      : "",
    advised.length > 0 ? violationsTable(`Policy advises (${advised.length})`, advised, rows) : "",
    changes.length > 0 ? changesTable(preview, rows) : "",
    limits.length > 0 && changes.length > 0 ? limitsTable(preview, rows) : "",
    drift.length > 0 ? driftSection(preview, rows) : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : [`### ${code(stack)}`, ...parts].join("\n\n");
}

function violationsTable(title: string, violations: StackPreview["violations"], rows: number): string {
  const cells = violations.map(({ policy, resource, why, todo }) => [policy, resource, why, todo].map(code));
  return folded(title, ["Policy", "Resource", "Why", "What to do"], cells, rows);
}

/** What goes or is made anew comes first: that is what a reviewer has to see. */
function changesTable({ changes }: StackPreview, rows: number): string {
  const byName = changes.toSorted((a, b) => (a.resource < b.resource ? -1 : 1));
  const ordered = ACTIONS.flatMap((action) => byName.filter((change) => change.action === action));
  const cells = ordered.map(({ action, resource, because }) => [
    action === "delete" || action === "replace" ? `**${action}**` : action,
    code(resource),
    because.map(code).join(", "),
  ]);
  return folded(count(changes.length, "change"), ["Action", "Resource", "Because of"], cells, rows);
}

const FIGURES = [
  ["memoryMiB", "Memory, MiB"],
  ["memoryReservationMiB", "Reserved, MiB"],
  ["cpus", "CPUs"],
  ["pids", "Pids"],
] as const satisfies [keyof HostLimits, string][];

/** Limits that change, before and after; the totals are those of all containers, and of what the host has. */
function limitsTable({ limits, host }: StackPreview, rows: number): string {
  const differing = limits.filter(({ before, after }) => FIGURES.some(([key]) => before?.[key] !== after?.[key]));
  if (differing.length === 0) return `**Limits:** unchanged (${count(limits.length, "container")}).`;
  const cells = differing
    .slice(0, rows)
    .map((change) => [nameOf(change), ...FIGURES.map(([key]) => figure(change, key))]);
  const rest = differing.length - cells.length;
  if (rest > 0) cells.push([`… and ${rest} more`, "", "", "", ""]);
  cells.push([`**all ${limits.length}**`, ...FIGURES.map(([key]) => total(limits, key))]);
  if (host) cells.push(["host has", String(host.memoryMiB), String(host.memoryMiB), String(host.cpus), ""]);
  const headers = ["Limits", ...FIGURES.map(([, title]) => title)];
  return markdownTable(headers, cells, [1, 2, 3, 4]);
}

function nameOf({ component, before, after }: LimitChange): string {
  return `${code(component)}${before ? (after ? "" : " (removed)") : " (new)"}`;
}

function figure({ before, after }: LimitChange, key: keyof HostLimits): string {
  return arrow(before?.[key], after?.[key]);
}

function total(limits: readonly LimitChange[], key: keyof HostLimits): string {
  const sum = (side: "before" | "after") => limits.reduce((all, change) => all + (change[side]?.[key] ?? 0), 0);
  return arrow(sum("before"), sum("after"));
}

function arrow(before: number | undefined, after: number | undefined): string {
  if (before === after || before === undefined) return String(after ?? "");
  return after === undefined ? `${before} → –` : `${before} → **${after}**`;
}

function driftSection(preview: StackPreview, rows: number): string {
  const cells = preview.drift.map(({ resource, property, declared, found }) =>
    [resource, property, declared, found].map(code),
  );
  const title = `Changed by hand (${preview.drift.length}); the update puts it right`;
  return folded(title, ["Resource", "Property", "Declared", "Found"], cells, rows);
}

/** A short table openly, a long one folded. */
function folded(
  title: string,
  headers: readonly string[],
  cells: readonly (readonly string[])[],
  rows: number,
): string {
  const shown = cells.slice(0, rows);
  const rest = cells.length - shown.length;
  const table = markdownTable(headers, shown) + (rest > 0 ? `\n\n… and ${rest} more (see the job's log).` : "");
  if (cells.length <= FOLD_ABOVE) return `**${title}**\n\n${table}`;
  return `<details><summary><b>${title}</b></summary>\n\n${table}\n\n</details>`;
}

function list(texts: readonly string[], rows: number): string {
  const lines = texts.flatMap((text) => text.split("\n")).filter((line) => line.trim() !== "");
  const shown = lines.slice(0, rows).map((line) => `- ${code(line)}`);
  const rest = lines.length - shown.length;
  return [...shown, ...(rest > 0 ? [`- … and ${rest} more (see the job's log)`] : [])].join("\n");
}
