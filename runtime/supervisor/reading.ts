import type { ServerContract } from "../contract/index.ts";
import type { LimitsReport } from "./limitsReport.ts";
import type { Reading, ServerState } from "./metrics.ts";
import type { RpcChannel } from "./rpcChannel.ts";

/** What `/ready` answers. */
export interface Readiness {
  readonly name: string;
  readonly state: ServerState;
  /** Age of the last functional proof, null before the first. */
  readonly ageSeconds: number | null;
  readonly proofMs: number | null;
  readonly tools: readonly string[];
  /** Changes with the tool list. */
  readonly toolsVersion: string;
  readonly reason: string | null;
  /** Not down but being replaced or restarted on purpose: a call may wait for it. */
  readonly paused: boolean;
  readonly serverVersion: string;
  readonly serverInfo: unknown;
  readonly sharing: ServerContract["sharing"];
  readonly restarts: number;
  readonly sessions: number;
  readonly children: number;
}

export interface Counts {
  readonly spawns: number;
  readonly channel: RpcChannel | undefined;
  readonly processes: number;
  readonly zombies: number;
}

const orNaN = (value: number | null | undefined): number => value ?? Number.NaN;

/** Everything that a scrape reads, in one piece. */
export function readingOf(readiness: Readiness, { declared, actual, usage }: LimitsReport, counts: Counts): Reading {
  const { channel, ...rest } = counts;
  return {
    ...rest,
    state: readiness.state,
    proofAgeSeconds: readiness.ageSeconds ?? undefined,
    proofSeconds: readiness.proofMs === null ? undefined : readiness.proofMs / 1000,
    restarts: readiness.restarts,
    sessions: readiness.sessions,
    children: readiness.children,
    inFlight: channel?.inFlight ?? 0,
    queued: channel?.queued ?? 0,
    tasks: usage.tasks,
    memoryBytes: usage.memoryBytes,
    oomKills: usage.oomKills,
    limits: {
      memory_bytes: [declared.memoryMiB * 1024 * 1024, orNaN(actual.memoryBytes)],
      cpus: [declared.cpus, orNaN(actual.cpus)],
      pids: [declared.pids, orNaN(actual.pids)],
      nofile: [declared.nofile.hard, orNaN(actual.nofile?.hard)],
      nproc: [declared.nproc, orNaN(actual.nproc?.hard)],
    },
  };
}
