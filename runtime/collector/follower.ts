import { setTimeout as sleep } from "node:timers/promises";
import type { Controlled } from "../contract/index.ts";
import type { Logger } from "../wire/log.ts";
import type { ContainerLogs } from "./containerLogs.ts";
import { inSeconds, logLines, type LogLine } from "./dockerLog.ts";
import type { Position } from "./positions.ts";

/** A log whose container does not run ends at once, and is read as a whole each time. */
const FIRST_PAUSE_MS = 1000;
const MOST_PAUSE_MS = 8000;

export interface FollowerArgs {
  container: Controlled;
  logs: ContainerLogs;
  /** Where it goes on. */
  from: Position;
  /** Takes a line, and is waited for: so long the log waits where it is, with Docker. */
  deliver: (line: LogLine, position: Position) => Promise<void>;
  log: Logger;
}

/** Reads one container's log from where it was left, over its restarts and Docker's. */
export class Follower {
  readonly #args: FollowerArgs;
  readonly #gone = new AbortController();
  #last: Position;

  constructor(args: FollowerArgs) {
    this.#args = args;
    this.#last = args.from;
    void this.#run();
  }

  stop(): void {
    this.#gone.abort();
  }

  async #run(): Promise<void> {
    const { container, log } = this.#args;
    let fault = "";
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.#gone.signal.aborted) {
      const before = this.#last;
      try {
        await this.#follow();
        fault = "";
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!this.#gone.signal.aborted && reason !== fault)
          log.warn({ event: "log-unread", container: container.component, reason });
        fault = reason;
      }
      pauseMs = this.#last === before ? Math.min(2 * pauseMs, MOST_PAUSE_MS) : FIRST_PAUSE_MS;
      await sleep(pauseMs, undefined, { signal: this.#gone.signal }).catch(() => undefined);
    }
  }

  async #follow(): Promise<void> {
    const { container, logs, deliver } = this.#args;
    const { nanoseconds, lines } = this.#last;
    const answer = await logs.follow(container.id, inSeconds(nanoseconds), this.#gone.signal);
    // Docker gives the lines of that very time once more.
    let known = lines;
    for await (const line of logLines(answer)) {
      if (line.nanoseconds < nanoseconds) continue;
      if (line.nanoseconds === nanoseconds && known > 0) {
        known -= 1;
        continue;
      }
      const isSame = line.nanoseconds === this.#last.nanoseconds;
      this.#last = { nanoseconds: line.nanoseconds, lines: isSame ? this.#last.lines + 1 : 1 };
      await deliver(line, this.#last);
    }
  }
}
