import type { ServerContract } from "../contract/index.ts";
import { CHANNEL_BOUNDS, type ChannelBounds } from "./rpcChannel.ts";
import { RESTART_BOUNDS, type RestartBounds } from "./restartPolicy.ts";
import type { SpawnWindow } from "./spawnLimiter.ts";

/** The contract's tuning with every default filled in; times in milliseconds. */
export interface Settings {
  readonly graceMs: number;
  readonly drainMs: number;
  readonly idleMs: number;
  readonly maxSessions: number;
  readonly maxMessageBytes: number;
  readonly callTimeoutMs: number;
  readonly channel: ChannelBounds;
  readonly restart: RestartBounds;
  readonly spawnWindows: readonly SpawnWindow[];
  /** While all is normal. */
  readonly ladderCalmMs: number;
  /** From the first level on. */
  readonly ladderAlertMs: number;
  /** A child that has not answered `initialize` by then has failed. */
  readonly startTimeoutMs: number;
}

/** R-PRC-20, R-PRC-21: every 30 s, and every 10 s once something is wrong. */
const LADDER_SECONDS = [30, 10] as const;

export function settingsOf(contract: ServerContract): Settings {
  const { tuning = {}, health } = contract;
  const [calm, alert] = tuning.ladderSeconds ?? LADDER_SECONDS;
  return {
    graceMs: (tuning.graceSeconds ?? 5) * 1000,
    drainMs: (tuning.drainSeconds ?? 4) * 1000,
    idleMs: (tuning.idleSeconds ?? 900) * 1000,
    maxSessions: tuning.maxSessions ?? 1000,
    maxMessageBytes: (tuning.maxMessageKiB ?? 8192) * 1024,
    callTimeoutMs: contract.callTimeoutSeconds * 1000,
    channel: {
      maxConcurrent: tuning.maxConcurrentCalls ?? CHANNEL_BOUNDS.maxConcurrent,
      maxQueued: tuning.maxQueuedCalls ?? CHANNEL_BOUNDS.maxQueued,
    },
    restart: {
      ...RESTART_BOUNDS,
      failures: tuning.restartFailures ?? RESTART_BOUNDS.failures,
      windowSeconds: tuning.restartWindowSeconds ?? RESTART_BOUNDS.windowSeconds,
      coolDownSeconds: tuning.coolDownSeconds ?? RESTART_BOUNDS.coolDownSeconds,
    },
    spawnWindows: [
      { count: tuning.spawnsPer10Seconds ?? 5, seconds: 10 },
      { count: tuning.spawnsPerMinute ?? 15, seconds: 60 },
    ],
    ladderCalmMs: calm * 1000,
    ladderAlertMs: alert * 1000,
    startTimeoutMs: health.timeoutSeconds * health.failures * 1000,
  };
}
