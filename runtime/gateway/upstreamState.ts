import * as z from "zod";

/** What is used of a supervisor's `/ready`; more fields may come. */
export const readinessSchema = z.object({
  state: z.enum(["starting", "healthy", "degraded", "unhealthy", "crash-loop", "quarantined", "stopped"]),
  ageSeconds: z.number().nullable(),
  tools: z.array(z.string()),
  toolsVersion: z.string(),
  reason: z.string().nullable(),
  restarts: z.number(),
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
  reachable: false,
  at: 0,
};

/** Slow is not down: degraded servers get calls. */
export function isRoutable({ state }: UpstreamState): boolean {
  return state === "healthy" || state === "degraded";
}

/** Counts of `/status` (R-GW-08); a crash loop is a quarantine that ends by itself. */
export function countStates(states: readonly UpstreamState[]): Readonly<Record<string, number>> {
  const count = (test: (state: UpstreamState) => boolean): number => states.filter(test).length;
  const quarantined = ({ state }: UpstreamState): boolean => state === "quarantined" || state === "crash-loop";
  return {
    declared: states.length,
    running: count((state) => state.reachable && state.state !== "stopped" && !quarantined(state)),
    healthy: count(({ state }) => state === "healthy"),
    degraded: count(({ state }) => state === "degraded"),
    unhealthy: count(({ state }) => state === "unhealthy"),
    starting: count(({ state }) => state === "starting"),
    stopped: count(({ state }) => state === "stopped"),
    quarantined: count(quarantined),
  };
}
