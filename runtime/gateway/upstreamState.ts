import * as z from "zod";

/** What is used of a supervisor's `/ready`; more fields may come. */
export const readinessSchema = z.object({
  state: z.enum(["starting", "healthy", "degraded", "unhealthy", "crash-loop", "quarantined", "stopped"]),
  ageSeconds: z.number().nullable(),
  tools: z.array(z.string()),
  toolsVersion: z.string(),
  reason: z.string().nullable(),
  restarts: z.number(),
  /** Absent from supervisors before it was invented. */
  paused: z.boolean().default(false),
});

/** The latest word about one server. */
export interface UpstreamState {
  readonly state: z.infer<typeof readinessSchema>["state"];
  /** Age of the last functional proof when it was read. */
  readonly ageSeconds: number | null;
  readonly tools: readonly string[];
  readonly toolsVersion: string;
  readonly reason: string | null;
  readonly restarts: number;
  /** Being replaced or restarted on purpose. */
  readonly paused: boolean;
  /** Did the supervisor itself answer? */
  readonly reachable: boolean;
  /** When this was found, in ms. */
  readonly at: number;
}

export const UNKNOWN_STATE: UpstreamState = {
  state: "starting",
  ageSeconds: null,
  tools: [],
  toolsVersion: "",
  reason: "not probed yet",
  restarts: 0,
  paused: false,
  reachable: false,
  at: 0,
};

/** Whole seconds since the last functional proof; null before the first. */
export function proofAge({ ageSeconds, at }: UpstreamState, now: number): number | null {
  return ageSeconds === null ? null : Math.round(ageSeconds + (now - at) / 1000);
}

/** Slow is not down: degraded servers get calls. */
export function isRoutable({ state }: UpstreamState): boolean {
  return state === "healthy" || state === "degraded";
}

/** Bad first: what a server without a healthy instance is called. */
const WORST_FIRST = ["unhealthy", "crash-loop", "quarantined", "stopped", "starting"] as const;

/** The state of a server from its instances: healthy when all of them are, degraded when some can take calls. */
export function mergeStates(
  instances: readonly { readonly name: string; readonly state: UpstreamState }[],
): UpstreamState {
  const [first] = instances;
  if (first === undefined) return UNKNOWN_STATE;
  if (instances.length === 1) return first.state;
  const state = (wanted: UpstreamState["state"]) => instances.find((one) => one.state.state === wanted);
  const speaker = state("healthy") ?? state("degraded") ?? WORST_FIRST.map(state).find((one) => one !== undefined);
  const sick = instances.filter((one) => one.state.state !== "healthy");
  const reasons = sick.map((one) => `${one.name} is ${one.state.state}: ${one.state.reason ?? "no reason given"}`);
  const merged = speaker?.state ?? first.state;
  return {
    ...merged,
    state: isRoutable(merged) && sick.length > 0 ? "degraded" : merged.state,
    reason: sick.length > 0 ? reasons.join("; ") : merged.reason,
    restarts: instances.reduce((sum, one) => sum + one.state.restarts, 0),
    reachable: instances.some((one) => one.state.reachable),
  };
}

/** A server's state, and whether that it lists its tools is all that is known of it. */
export interface CountedState {
  state: UpstreamState;
  listsOnly: boolean;
}

/**
 * Counts of `/status` (R-GW-08): healthy is who has answered a call. A crash loop is a quarantine that ends by itself.
 */
export function countStates(servers: readonly CountedState[]): Readonly<Record<string, number>> {
  const states = servers.map(({ state }) => state);
  const count = (test: (state: UpstreamState) => boolean): number => states.filter(test).length;
  const well = servers.filter(({ state }) => state.state === "healthy");
  const listsOnly = well.filter((server) => server.listsOnly).length;
  const quarantined = ({ state }: UpstreamState): boolean => state === "quarantined" || state === "crash-loop";
  return {
    declared: states.length,
    running: count((state) => state.reachable && state.state !== "stopped" && !quarantined(state)),
    healthy: well.length - listsOnly,
    listsOnly,
    degraded: count(({ state }) => state === "degraded"),
    unhealthy: count(({ state }) => state === "unhealthy"),
    starting: count(({ state }) => state === "starting"),
    stopped: count(({ state }) => state === "stopped"),
    quarantined: count(quarantined),
  };
}
