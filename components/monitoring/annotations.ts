import type { Alert } from "./alert.ts";

/** Label of an alert that names one container. */
export type Subject = NonNullable<Alert["subject"]>;

/** The ceiling of the ladder's first level (R-PRC-06), which R-NTF-01 wants beside the count. */
const PROCESSES = 15;
/** A trend is of so long, a peak and acts of so long. */
const TREND = "5m";
const LATELY = "1h";
const WHOLE = 'printf "%.0f"';

/**
 * What a message about one container says beside its summary (R-NTF-01, R-NTF-02): Prometheus itself looks it up at each round, so
 * that the last one before the end is what the resolution tells.
 */
export function annotationsAbout(subject: Subject): Record<string, string> {
  const found = (query: string, shown: string, none = "not known"): string =>
    `{{ with printf ${JSON.stringify(query)} $labels.${subject} | query }}{{ with . | first | value }}${shown}{{ else }}0{{ end }}{{ else }}${none}{{ end }}`;
  const whole = (query: string, none?: string): string => found(query, `{{ . | ${WHOLE} }}`, none);
  const bytes = (query: string): string => found(query, "{{ . | humanize1024 }}B");
  const count = "mcp_guard_processes{container=%q}";
  const memory = "mcp_guard_memory_bytes{container=%q}";
  const limit = (which: string): string => `max(mcp_guard_limit{container=%q, limit="${which}", source="kernel"})`;
  return {
    processes: `${whole(`max(${count})`)} (limit ${PROCESSES})`,
    memory: `${bytes(`max(${memory})`)} of ${bytes(limit("memory_bytes"))}`,
    trend: found(
      `max(delta(${count}[${TREND}])) + 0.01`,
      "{{ if gt . 1.0 }}growing{{ else if lt . -1.0 }}declining{{ else }}stable{{ end }}",
    ),
    peak: `${whole(`max(max_over_time(${count}[${LATELY}]))`)} processes, ${bytes(`max(max_over_time(${memory}[${LATELY}]))`)}`,
    actions:
      `${whole(`sum(increase(mcp_ladder_actions_total{instance=%q}[${LATELY}]))`, "0")} by its ladder, ` +
      `${whole('sum(mcp_guard_actions_total{container=%q, outcome="done"})', "0")} restarts by the guard`,
    prevention: `in force: ${whole(limit("pids"))} tasks, ${bytes(limit("memory_bytes"))}`,
  };
}
