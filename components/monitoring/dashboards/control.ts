import type { Board } from "./panel.ts";

const share = (metric: string, limit: string): string =>
  `max by (container) (${metric} / ignoring(limit, source) mcp_guard_limit{limit="${limit}", source="kernel"})`;

/** Processes under their limits, what is declared against what is in force, and what nobody declared. */
export const control: Board = {
  uid: "mcp-estate-control",
  title: "MCP estate: process control",
  perServer: false,
  panels: [
    {
      title: "Tasks",
      description: "Threads included, of the pids limit: at 100 % every fork fails.",
      requirement: "R-DSH-02",
      kind: "lines",
      unit: "percentunit",
      queries: [{ expr: share("mcp_guard_tasks", "pids"), legend: "{{container}}" }],
    },
    {
      title: "Processes",
      description: "Zombies left out.",
      requirement: "R-DSH-02",
      kind: "lines",
      unit: "short",
      queries: [{ expr: "sum by (container) (mcp_guard_processes)", legend: "{{container}}" }],
    },
    {
      title: "Zombies",
      description: "Ended, and collected by nobody.",
      requirement: "R-MON-03",
      kind: "lines",
      unit: "short",
      queries: [{ expr: "sum by (container) (mcp_guard_zombies)", legend: "{{container}}" }],
    },
    {
      title: "Declared against effective limits",
      description: "As the stack declares them and as the kernel has them: a pair that differs is drift.",
      requirement: "R-DSH-04",
      kind: "table",
      unit: "short",
      queries: [{ expr: "max by (container, limit, source) (mcp_guard_limit)", legend: "" }],
    },
    {
      title: "Drift",
      description: "Limits in force that are not those declared.",
      requirement: "R-DSH-04",
      kind: "figure",
      unit: "short",
      queries: [
        {
          expr: 'count(mcp_guard_limit{source="kernel"} != ignoring(source) mcp_guard_limit{source="declared"}) or vector(0)',
          legend: "limits",
        },
        { expr: "mcp_guard_missing", legend: "missing containers" },
      ],
    },
    {
      title: "Orphans",
      description:
        "Containers with this stack's labels that nobody declared; servers that run outside of every container.",
      requirement: "R-DSH-04",
      kind: "figure",
      unit: "short",
      queries: [
        { expr: "sum(mcp_guard_undeclared) or vector(0)", legend: "containers" },
        { expr: "sum(mcp_guard_host_processes) or vector(0)", legend: "host processes" },
        { expr: "mcp_guard_foreign_containers", legend: "containers of others" },
      ],
    },
    {
      title: "Guard actions",
      description: "Restarts by cause, and whether they were carried out.",
      requirement: "R-DSH-04",
      kind: "table",
      unit: "short",
      queries: [{ expr: "sum by (container, cause, outcome) (mcp_guard_actions_total)", legend: "" }],
      empty: "the guard has never had to act",
    },
    {
      title: "Ladder actions",
      description: "What the supervisors inside have done, within the last day.",
      requirement: "R-DSH-04",
      kind: "table",
      unit: "short",
      queries: [{ expr: "sum by (instance, level, action) (increase(mcp_ladder_actions_total[1d]))", legend: "" }],
      empty: "no ladder has ever had to act",
    },
    {
      title: "Host",
      description: "What is left of disk and memory.",
      requirement: "R-MON-05",
      kind: "lines",
      unit: "percentunit",
      queries: [
        { expr: "mcp_guard_disk_free_bytes / mcp_guard_disk_bytes", legend: "disk" },
        { expr: "mcp_guard_host_memory_available_bytes / mcp_guard_host_memory_bytes", legend: "memory" },
      ],
    },
    {
      title: "Firing alerts",
      description: "By name and level.",
      requirement: "R-DSH-02",
      kind: "table",
      unit: "short",
      queries: [{ expr: 'sum by (alertname, level) (ALERTS{alertstate="firing"})', legend: "" }],
    },
  ],
};
