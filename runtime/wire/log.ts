import { pino, type DestinationStream, type Logger } from "pino";

export type { Logger } from "pino";

/** JSON lines on stdout, written synchronously: no worker thread, and nothing is lost when the process ends. */
export function createLog(bindings: Readonly<Record<string, unknown>>, level = "info"): Logger {
  return lines(bindings, level, pino.destination({ fd: 1, sync: true }));
}

/** Characters that wait at most: a write each 250 calls or so. */
const AUDIT_BATCH_CHARS = 64 << 10;
const AUDIT_FLUSH_MS = 250;

export interface AuditLog {
  readonly log: Logger;
  /** Writes what waits; to be called before the process ends. */
  flush(): void;
}

/**
 * The same for lines that come with every call, written in batches: a write each would cost a fifth of the call. What
 * came in the last quarter of a second is lost when the process is killed hard, and only then.
 */
export function createAuditLog(
  bindings: Readonly<Record<string, unknown>>,
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
): AuditLog {
  let waiting = "";
  const flush = (): void => {
    if (waiting === "") return;
    const text = waiting;
    waiting = "";
    destination.write(text);
  };
  const write = (line: string): void => {
    waiting += line;
    if (waiting.length >= AUDIT_BATCH_CHARS) flush();
  };
  setInterval(flush, AUDIT_FLUSH_MS).unref();
  process.once("exit", flush);
  return { log: lines(bindings, "info", { write }), flush };
}

function lines(bindings: Readonly<Record<string, unknown>>, level: string, destination: DestinationStream): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime, formatters }, destination);
}
