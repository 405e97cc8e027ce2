import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { markdownTable } from "../../bench/results.ts";
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

export const HEADERS = ["SERVER", "PACKAGE", "RESULT", "TOOLS", "BUILD", "START", "IDLE", "PEAK", "TASKS", "DETAIL"];

/** One line of a table for people. */
export function cells(row: Row): string[] {
  const { name, result, tools, buildMs, startMs, idleMiB, peakMiB, memoryLimitMiB, peakTasks, pidsLimit, detail } = row;
  const [line = ""] = detail.split("\n");
  if (result === "untried") return [name, row.package, "not tried", "", "", "", "", "", "", line];
  return [
    ...[name, row.package, result === "lists" ? "lists only" : result, String(tools)],
    buildMs === 0 ? "there" : `${(buildMs / 1000).toFixed(1)} s`,
    ...[
      `${(startMs / 1000).toFixed(1)} s`,
      `${Math.round(idleMiB)} MiB`,
      `${Math.round(peakMiB)} / ${memoryLimitMiB} MiB`,
    ],
    ...[`${peakTasks} / ${pidsLimit}`, line.length > 120 ? `${line.slice(0, 119)}…` : line],
  ];
}

/** What docs/results/catalogue.md says beside when it was measured; a test compares it with the rows. */
export function reportParts(report: Report, known: number, unavailable: ReadonlyMap<string, string>): string[] {
  const rows = Object.values(report);
  const count = (result: Row["result"]): number => rows.filter((row) => row.result === result).length;
  const counted = `Of ${known} servers ${count("proved")} have answered a tool call with what they must, ${count("lists")} list their tools and cannot be called without an account or a service, ${count("failed")} have failed, and ${count("untried") + known - rows.length} have not been tried.`;
  return [
    "# Servers of the catalogue, each alone and without a network",
    `${counted} Each ran in a container as an estate has it, under the limits of its entry, with no network but its own loopback. Build: what of its image was not there yet; the first of a kind builds the layers that all of it share. Start: from the container's start to its first good answer. Tasks and peak: the most that was seen until then and a few seconds after, of the limit.`,
    markdownTable(
      [...HEADERS, "RUN"],
      rows.map((row) => [...cells(row), row.at.slice(0, 10)]),
    ),
    "Not to be had:",
    markdownTable(["SERVER", "WHY"], [...unavailable]),
  ];
}
