import { table } from "../log.ts";
import { differences, gateInWords, programInWords, type Version } from "./version.ts";

/** Rows unless all are asked for. */
export const SHOWN = 20;
const MAX_CHANGED = 4;

/** Newest first: version, time, kind, result, gate, program, what differs from the version before it, message. */
export function historyTable(versions: readonly Version[], shown: number): string {
  const rows = versions.map((version, i) => {
    // A failed or removed one says nothing of what was deployed.
    const before = versions.slice(0, i).findLast(({ release }) => release !== undefined);
    return [
      String(version.number),
      version.time.toISOString().replace("T", " ").slice(0, 19),
      version.kind,
      version.result,
      version.fault === undefined ? gateInWords(version) : "unknown",
      version.release ? programInWords(version.release) : "",
      version.kind === "update" ? shortened(differences(before, version)) : "",
      version.fault ?? version.message,
    ];
  });
  const newest = rows.toReversed().slice(0, shown);
  const headers = ["VERSION", "TIME (UTC)", "KIND", "RESULT", "GATE", "PROGRAM", "CHANGED", "MESSAGE"];
  const more = rows.length > shown ? `\n${rows.length - shown} older ones: --all` : "";
  return table(headers, newest) + more;
}

function shortened(words: readonly string[]): string {
  if (words.length <= MAX_CHANGED) return words.join(", ");
  return `${words.slice(0, MAX_CHANGED).join(", ")} and ${words.length - MAX_CHANGED} more`;
}
