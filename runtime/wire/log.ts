import { pino, type Logger } from "pino";

export type { Logger } from "pino";

/** JSON lines on stdout, written synchronously: no worker thread, and nothing is lost when the process ends. */
export function createLog(bindings: Readonly<Record<string, unknown>>, level = "info"): Logger {
  return pino(
    {
      level,
      base: bindings,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 1, sync: true }),
  );
}
