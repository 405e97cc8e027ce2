import { fetch } from "undici";
import * as z from "zod";
import type { Logger } from "../wire/log.ts";

/** What the collector writes to its own log, to be found again at the end of the way. */
export const CANARY_EVENT = "log-canary";

export interface StoreArgs {
  /** Base URL of Loki. */
  url: string;
  headers: () => Record<string, string>;
  labels: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 5000;
const LOOK_BACK_SECONDS = 3600;

const answerSchema = z.object({
  data: z.object({
    result: z.array(z.object({ values: z.array(z.tuple([z.string(), z.string()]).rest(z.unknown())) })),
  }),
});

/**
 * When the newest canary in the store was written, Unix time in seconds; undefined where it holds none.
 * @throws Error when the store does not answer.
 */
export async function newestCanary({ url, headers, labels }: StoreArgs, now = Date.now()): Promise<number | undefined> {
  const selector = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const query = new URLSearchParams({
    query: `{${selector.join(", ")}} |= "${CANARY_EVENT}"`,
    start: `${now - LOOK_BACK_SECONDS * 1000}000000`,
    end: `${now + 1000}000000`,
    limit: "1",
    direction: "backward",
  });
  const response = await fetch(`${url}/loki/api/v1/query_range?${query.toString()}`, {
    headers: headers(),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${response.status} ${(await response.text()).slice(0, 500).trim()}`);
  const times = answerSchema.parse(await response.json()).data.result.flatMap(({ values }) => values.map(([at]) => at));
  const newest = times.map((at) => Number(BigInt(at) / 1_000_000n) / 1000).sort((a, b) => b - a);
  return newest[0];
}

/** Writes the line. */
export function writeCanary(log: Logger): void {
  log.info({ event: CANARY_EVENT });
}
