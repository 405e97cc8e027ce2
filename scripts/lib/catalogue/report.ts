import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { rowSchema, type Row } from "./row.ts";

const reportSchema = z.record(z.string(), rowSchema.extend({ at: z.iso.datetime() }));
/** Server → what its last run has shown, and when. */
export type Report = z.infer<typeof reportSchema>;

const FILE = "docs/results/catalogue.json";

/** What earlier runs have shown. @param root the project's folder. @throws Error when the file is not ours. */
export function readReport(root: string): Report {
  const path = join(root, FILE);
  return existsSync(path) ? reportSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : {};
}

/** Puts new rows in the place of older ones; what is in the catalogue no more goes. @returns all of them. */
export function mergeReport(root: string, rows: readonly Row[], known: ReadonlySet<string>): Report {
  const at = new Date().toISOString();
  const merged = { ...readReport(root), ...Object.fromEntries(rows.map((row) => [row.name, { ...row, at }])) };
  const sorted = Object.entries(merged)
    .filter(([name]) => known.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const report = Object.fromEntries(sorted);
  writeFileSync(join(root, FILE), `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

export const HEADERS = ["SERVER", "PACKAGE", "RESULT", "TOOLS", "START", "IDLE", "PEAK", "TASKS", "DETAIL"];

/** One line of a table for people. */
export function cells(row: Row): string[] {
  const { name, result, tools, startMs, idleMiB, peakMiB, memoryLimitMiB, peakTasks, pidsLimit, detail } = row;
  const [line = ""] = detail.split("\n");
  if (result === "untried") return [name, row.package, "not tried", "", "", "", "", "", line];
  return [
    ...[name, row.package, result === "lists" ? "lists only" : result, String(tools)],
    ...[
      `${(startMs / 1000).toFixed(1)} s`,
      `${Math.round(idleMiB)} MiB`,
      `${Math.round(peakMiB)} / ${memoryLimitMiB} MiB`,
    ],
    ...[`${peakTasks} / ${pidsLimit}`, line.length > 120 ? `${line.slice(0, 119)}…` : line],
  ];
}
