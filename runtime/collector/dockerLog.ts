/** A line that a container wrote. */
export interface LogLine {
  stream: "stdout" | "stderr";
  /** Unix time in nanoseconds, by Docker's clock. */
  nanoseconds: bigint;
  text: string;
}

const HEADER_BYTES = 8;
const STDERR = 2;
/** The store takes no longer one (Loki's own default); what is beyond is cut off. */
const MOST_CHARS = 256 * 1024;
const STAMPED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.?(\d*)Z (.*)$/s;

/**
 * Lines of Docker's answer to a question for a log with timestamps. Each piece of it has eight bytes before it: which stream, and
 * how long (Docker Engine API, ContainerAttach). Of a line of more than 16 KiB Docker gives several pieces, each with a
 * timestamp, of which only the last ends with a line feed.
 */
export async function* logLines(answer: AsyncIterable<Uint8Array>): AsyncGenerator<LogLine> {
  const begun: { stdout?: LogLine | undefined; stderr?: LogLine | undefined } = {};
  for await (const { stream, text } of pieces(answer)) {
    const piece = stamped(stream, text);
    if (piece === undefined) continue;
    const isWhole = piece.text.endsWith("\n");
    if (isWhole) piece.text = piece.text.replace(/\r?\n$/, "");
    const line = begun[stream] ?? piece;
    if (line !== piece) line.text += piece.text;
    line.text = line.text.slice(0, MOST_CHARS);
    begun[stream] = isWhole ? undefined : line;
    if (isWhole) yield line;
  }
}

async function* pieces(answer: AsyncIterable<Uint8Array>): AsyncGenerator<{ stream: LogLine["stream"]; text: string }> {
  let held = Buffer.alloc(0);
  for await (const chunk of answer) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    while (held.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + held.readUInt32BE(4);
      if (held.length < end) break;
      yield { stream: held[0] === STDERR ? "stderr" : "stdout", text: held.toString("utf8", HEADER_BYTES, end) };
      held = held.subarray(end);
    }
  }
}

function stamped(stream: LogLine["stream"], text: string): LogLine | undefined {
  const [, seconds, fraction = "", rest] = STAMPED.exec(text) ?? [];
  if (seconds === undefined || rest === undefined) return undefined;
  const nanoseconds = BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
  return { stream, nanoseconds, text: rest };
}

/** As Docker's `since` wants it. */
export function inSeconds(nanoseconds: bigint): string {
  return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}`;
}
