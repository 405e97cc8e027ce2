import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../wire/faults.ts";
import { NotAnswered } from "./forwardCall.ts";
import type { RoutedServer } from "./routedServer.ts";
import type { Upstream } from "./upstream.ts";

/** Between two looks for an instance that can do a lost call again; a killed child is back after about 0.3 s. */
const RECOVERY_POLL_MS = 100;

export interface RoutedCallOptions {
  readonly server: RoutedServer;
  /** The tool that is called, where it is one. */
  readonly tool: string | undefined;
  /** For all attempts together. */
  readonly timeoutMs: number;
  /** The instance for the next attempt, none of those to be avoided. Throws Fault "unavailable" when there is none. */
  readonly choose: (avoided: ReadonlySet<Upstream>) => Upstream;
  /** One attempt, over at `endsAt`, in ms since 1970. Rejects with a Fault. */
  readonly attempt: (upstream: Upstream, endsAt: number) => Promise<void>;
}

/**
 * One call on its way through a server's instances. What an instance has not looked at goes to another one; what was
 * lost in mid-call is done once more, and only when the tool is declared repeatable (R-GW-12); what comes while the
 * server is replaced or restarted on purpose waits for it. Rejects with a Fault.
 */
export async function routedCall(options: RoutedCallOptions): Promise<void> {
  const { server } = options;
  let held = false;
  const hold = (): void => {
    if (!held) server.hold();
    held = true;
  };
  try {
    await route(options, hold);
  } finally {
    if (held) server.release();
  }
}

/** @param hold asked before the call waits for a server that cannot take it. May throw. */
async function route(options: RoutedCallOptions, hold: () => void): Promise<void> {
  const { server, tool, timeoutMs, choose, attempt } = options;
  const endsAt = Date.now() + timeoutMs;
  const avoided = new Set<Upstream>();
  let lost: Fault | undefined;
  let refused: unknown;
  let hasWaited = false;
  for (;;) {
    let upstream: Upstream;
    try {
      upstream = choose(avoided);
    } catch (error) {
      const mayWait = lost !== undefined || server.paused || (refused !== undefined && server.pausedLately);
      if (!mayWait || Date.now() + RECOVERY_POLL_MS >= endsAt) return giveUp(lost ?? refused ?? error);
      hold();
      hasWaited = true;
      await sleep(RECOVERY_POLL_MS);
      await Promise.all(server.upstreams.map((one) => one.probe()));
      avoided.clear();
      continue;
    }
    try {
      return await attempt(upstream, endsAt);
    } catch (error) {
      const kind = error instanceof Fault ? error.kind : undefined;
      if (kind === "lost" && lost === undefined && server.isRepeatable(tool)) {
        lost = error as Fault;
        server.repeats += 1;
      } else if (kind === "unavailable") refused = error;
      else if (kind === "overloaded" && hasWaited && Date.now() + RECOVERY_POLL_MS < endsAt) {
        // All that have waited come at once: that is no overload, and each is counted already.
        await sleep(RECOVERY_POLL_MS);
        continue;
      } else return giveUp(error);
      avoided.add(upstream);
      void upstream.probe();
    }
  }
}

/** The instance's own answer says more than our words about it. */
function giveUp(error: unknown): void {
  if (!(error instanceof NotAnswered)) throw error;
  error.deliver();
}
