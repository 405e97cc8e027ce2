import type { Board } from "./panel.ts";

const CALLS = 'mcp_gateway_request_duration_seconds_bucket{server!=""}';
const quantile = (share: number): string => `histogram_quantile(${share}, sum by (le) (rate(${CALLS}[5m])))`;
/** R-SLO: of a thousand requests one may fail. */
const ERROR_BUDGET = 0.001;
const FAILED = 'mcp_gateway_requests_total{status=~"5.."}';

/** The five panels of the plan, and how much of the error budget is left. */
export const overview: Board = {
  uid: "mcp-estate-overview",
  title: "MCP estate",
  perServer: false,
  panels: [
    {
      title: "Server health",
      description: "1 while calls are routed to a server: it has answered a functional probe.",
      requirement: "R-DSH-01",
      kind: "states",
      unit: "short",
      queries: [
        { expr: 'max by (server) (mcp_gateway_server_state{state=~"healthy|degraded"})', legend: "{{server}}" },
      ],
    },
    {
      title: "Request latency",
      description: "From the request at the gateway to its answer; a call has 200 ms.",
      requirement: "R-DSH-01",
      kind: "lines",
      unit: "s",
      queries: [
        { expr: quantile(0.5), legend: "p50" },
        { expr: quantile(0.95), legend: "p95" },
        { expr: quantile(0.99), legend: "p99" },
      ],
    },
    {
      title: "Error rate",
      description: "Requests that ended with 5xx, of all to that server.",
      requirement: "R-DSH-01",
      kind: "lines",
      unit: "percentunit",
      queries: [
        {
          expr: `sum by (server) (rate(${FAILED}[5m])) / sum by (server) (rate(mcp_gateway_requests_total[5m]))`,
          legend: "{{server}}",
        },
      ],
      empty: "no request has failed yet",
    },
    {
      title: "GPU use",
      description: "As NVIDIA's exporter tells it, where a host has one.",
      requirement: "R-DSH-01",
      kind: "lines",
      unit: "percent",
      queries: [{ expr: "max by (Hostname, gpu) (DCGM_FI_DEV_GPU_UTIL)", legend: "{{Hostname}} {{gpu}}" }],
      empty: "no host has a GPU",
    },
    {
      title: "Container resource use",
      description: "Memory in use, of the limit.",
      requirement: "R-DSH-01",
      kind: "lines",
      unit: "percentunit",
      queries: [
        {
          expr: 'max by (container) (mcp_guard_memory_bytes / ignoring(limit, source) mcp_guard_limit{limit="memory_bytes", source="kernel"})',
          legend: "{{container}}",
        },
      ],
    },
    {
      title: "Processor use",
      description: "Processors in use.",
      requirement: "R-MON-03",
      kind: "lines",
      unit: "short",
      queries: [{ expr: "sum by (container) (rate(mcp_guard_cpu_seconds[1m]))", legend: "{{container}}" }],
    },
    {
      title: "Error budget of 30 days",
      description: "What is left of it: one request of a thousand may fail.",
      requirement: "R-SLO-03",
      kind: "figure",
      unit: "percentunit",
      queries: [
        {
          expr: `1 - ((sum(increase(${FAILED}[30d])) or vector(0)) / sum(increase(mcp_gateway_requests_total[30d]))) / ${ERROR_BUDGET}`,
          legend: "left",
        },
      ],
    },
    {
      title: "Requests",
      description: "Of all callers, a second.",
      requirement: "R-MON-04",
      kind: "lines",
      unit: "reqps",
      queries: [{ expr: "sum by (server) (rate(mcp_gateway_requests_total[5m]))", legend: "{{server}}" }],
    },
  ],
};
