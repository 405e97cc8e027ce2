import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { cacheFolder } from "../images/cache.ts";
import { exclusive } from "../images/exclusive.ts";

/** Least time between two requests of an account, and between two launches, in milliseconds. */
export interface Pace {
  requestMs: number;
  launchMs: number;
}

/** What Lambda allows: about one request a second, five launches a minute. */
export const LAMBDA_PACE: Pace = { requestMs: 1000, launchMs: 12_000 };

const turnsSchema = z.object({ request: z.number(), launch: z.number() });

/**
 * Waits for the account's next turn, whoever else on this machine asks for one: an update may have several processes, and one
 * that was killed has used turns too.
 * @param account what tells one account from another; it is not written down
 */
export async function nextTurn(
  account: string,
  kind: "request" | "launch",
  { requestMs, launchMs }: Pace,
): Promise<void> {
  const key = createHash("sha256").update(account).digest("hex").slice(0, 16);
  const folder = join(cacheFolder(), "lambda");
  const file = join(folder, `${key}.json`);
  await exclusive(
    `lambda pace ${key}`,
    () => undefined,
    async () => {
      await mkdir(folder, { recursive: true });
      const last = await readTurns(file);
      const earliest = Math.max(last.request + requestMs, kind === "launch" ? last.launch + launchMs : 0);
      // A clock that was set back must not hold anybody up.
      const wait = Math.min(earliest - Date.now(), Math.max(requestMs, launchMs));
      if (wait > 0) await sleep(wait);
      const now = Date.now();
      await writeFile(file, JSON.stringify({ request: now, launch: kind === "launch" ? now : last.launch }));
    },
  );
}

async function readTurns(file: string): Promise<z.infer<typeof turnsSchema>> {
  try {
    return turnsSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    // None yet, or one that was cut off when its writer was killed.
    return { request: 0, launch: 0 };
  }
}
