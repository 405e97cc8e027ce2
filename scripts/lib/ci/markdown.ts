/** Pieces of GitHub's Markdown from text that nobody vouches for: names of containers, values, messages. */

const LONGEST = 600;

/** Text in a code span, in which nothing is markup and no mention reaches anybody. */
export function code(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  // A code span ends at a run of backticks as long as the one that opens it.
  const oneLine = cut.replace(/\s+/g, " ").trim();
  if (oneLine === "") return "";
  const longestRun = Math.max(0, ...[...oneLine.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longestRun + 1);
  const pad = longestRun > 0 ? " " : "";
  return `${fence}${pad}${oneLine}${pad}${fence}`;
}

/**
 * A table; cells are Markdown already.
 * @param right columns that are aligned to the right, by index.
 */
export function markdownTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  // A bar ends a cell, in a code span too.
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = headers.map((_, column) => (right.includes(column) ? "--:" : "---"));
  return [line(headers), line(rule), ...rows.map(line)].join("\n");
}

/** 3 changes, 1 change, no changes */
export function count(number: number, noun: string): string {
  return `${number === 0 ? "no" : number} ${noun}${number === 1 ? "" : "s"}`;
}
