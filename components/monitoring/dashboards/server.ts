import type { Board, Panel } from "./panel.ts";

const SERVER = '{server="$server"}';

const panels: Panel[] = [
  {
    title: "State",
    description: "As its own supervisor has it.",
    requirement: "R-MON-04",
    kind: "states",
    unit: "short",
    queries: [{ expr: `max by (state) (mcp_server_state${SERVER})`, legend: "{{state}}" }],
  },
  {
    title: "Proof",
    description: "Age of the last functional proof, and how long it took.",
    requirement: "R-MON-04",
    kind: "lines",
    unit: "s",
    queries: [
      { expr: `mcp_server_proof_age_seconds${SERVER}`, legend: "{{instance}} age" },
      { expr: `mcp_server_proof_duration_seconds${SERVER}`, legend: "{{instance}} duration" },
    ],
  },
  {
    title: "Requests",
    description: "By outcome, a second.",
    requirement: "R-MON-04",
    kind: "lines",
    unit: "reqps",
    queries: [{ expr: `sum by (outcome) (rate(mcp_requests_total${SERVER}[5m]))`, legend: "{{outcome}}" }],
  },
  {
    title: "Latency",
    description: "Of calls of tools, from the request to the supervisor to its answer.",
    requirement: "R-MON-04",
    kind: "lines",
    unit: "s",
    queries: [0.5, 0.95, 0.99].map((share) => ({
      expr: `histogram_quantile(${share}, sum by (le) (rate(mcp_request_duration_seconds_bucket{server="$server", method="tools/call"}[5m])))`,
      legend: `p${share * 100}`,
    })),
  },
  {
    title: "Calls",
    description: "In work, and waiting for their turn.",
    requirement: "R-MON-04",
    kind: "lines",
    unit: "short",
    queries: [
      { expr: `sum(mcp_calls_in_flight${SERVER})`, legend: "in work" },
      { expr: `sum(mcp_calls_queued${SERVER})`, legend: "waiting" },
      { expr: `sum(mcp_sessions${SERVER})`, legend: "sessions" },
    ],
  },
  {
    title: "Starts",
    description: "Restarts and spawns of its processes within the last hour.",
    requirement: "R-MON-04",
    kind: "lines",
    unit: "short",
    queries: [
      { expr: `sum(increase(mcp_server_restarts_total${SERVER}[1h]))`, legend: "restarts" },
      { expr: `sum(increase(mcp_server_spawns_total${SERVER}[1h]))`, legend: "spawns" },
    ],
  },
  {
    title: "Memory",
    description: "In use, and its limit.",
    requirement: "R-MON-03",
    kind: "lines",
    unit: "bytes",
    queries: [
      { expr: `mcp_container_memory_bytes${SERVER}`, legend: "{{instance}}" },
      { expr: `max(mcp_limit{server="$server", limit="memory_bytes", source="kernel"})`, legend: "limit" },
    ],
  },
  {
    title: "Tasks",
    description: "In use, and their limit.",
    requirement: "R-MON-03",
    kind: "lines",
    unit: "short",
    queries: [
      { expr: `mcp_container_tasks${SERVER}`, legend: "{{instance}}" },
      { expr: `max(mcp_limit{server="$server", limit="pids", source="kernel"})`, legend: "limit" },
    ],
  },
];

const logs: Panel = {
  title: "Log",
  description: "What its containers write.",
  requirement: "R-MON-07",
  kind: "logs",
  unit: "short",
  queries: [{ expr: '{container=~"$server(--[0-9]+)?"}', legend: "" }],
};

/** One server. @param withLogs a store keeps what it writes. */
export function serverBoard(withLogs: boolean): Board {
  return {
    uid: "mcp-estate-server",
    title: "MCP estate: one server",
    perServer: true,
    panels: withLogs ? [...panels, logs] : panels,
  };
}
