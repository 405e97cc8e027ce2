import { stripVTControlCharacters, styleText } from "node:util";

/** Receives one line of progress. */
export type Say = (text: string) => void;

/** Says on stderr what a step does, so that stdout stays the engine's own. */
export function sayer(topic: string): Say {
  return (text) => process.stderr.write(`${styleText("cyan", `${topic}:`, { stream: process.stderr })} ${text}\n`);
}

/** Drops lines that come sooner than the interval: a long step speaks every 5 s on a terminal, every 15 s in a log. */
export function throttled(say: Say, intervalMs = process.stderr.isTTY ? 5_000 : 15_000): Say {
  let last = Date.now();
  return (text) => {
    if (Date.now() - last < intervalMs) return;
    last = Date.now();
    say(text);
  };
}

/** "0.8 s", "12 s", "3 min 24 s". */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Lays rows out in columns under their headers; widths leave colours out. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = (text: string): number => stripVTControlCharacters(text).length;
  const widths = headers.map((header, column) =>
    Math.max(width(header), ...rows.map((row) => width(row[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    widths
      .map((columnWidth, column) => (cells[column] ?? "") + " ".repeat(columnWidth - width(cells[column] ?? "")))
      .join("  ")
      .trimEnd();
  return [headers, widths.map((columnWidth) => "─".repeat(columnWidth)), ...rows].map(line).join("\n");
}
