import { windowSeconds, type Alert, type AlertContext } from "./alert.ts";

const PIDS = 'mcp_guard_limit{limit="pids", source="declared"}';
const LEAST_DISK = 0.1;
const LEAST_MEMORY = 0.05;
/** R-PRC-26: forks are about to fail. */
const NEAR_CEILING = 0.8;

/** What the guard sees from outside, however bad it goes inside. */
export function guardAlerts(context: AlertContext): Alert[] {
  const lately = windowSeconds(300, context);
  return [
    {
      name: "LimitNotEnforced",
      requirement: "R-ALR-06",
      expr:
        `mcp_guard_limit{source="kernel"} != ignoring(source) mcp_guard_limit{source="declared"}` +
        ` or mcp_guard_tasks > ignoring(limit, source) ${PIDS}`,
      forSeconds: 0,
      severity: "critical",
      level: 3,
      summary: "seen from the host, {{ $labels.container }} is not held to what is declared ({{ $value }})",
      action: "npm run up puts the declared limits in force; find out who changed them.",
      subject: "container",
    },
    {
      name: "TasksNearLimit",
      requirement: "R-PRC-26",
      expr: `mcp_guard_tasks / ignoring(limit, source) ${PIDS} >= ${NEAR_CEILING}`,
      forSeconds: 30,
      severity: "warning",
      level: 2,
      summary: "{{ $labels.container }} uses {{ $value | humanizePercentage }} of its tasks: forks are about to fail",
      action: "Look for what it starts; the guard restarts it when it stays full.",
      subject: "container",
    },
    {
      name: "ProgramStopped",
      requirement: "R-PRC-07",
      expr: "mcp_guard_stopped == 1",
      forSeconds: 30,
      severity: "critical",
      level: 2,
      summary: "the program of {{ $labels.container }} has been stopped by a signal",
      action: "The guard restarts it; find out who sent SIGSTOP.",
      subject: "container",
    },
    {
      name: "GuardActed",
      requirement: "R-PRC-07",
      expr: `time() - mcp_guard_last_action_seconds{outcome="done"} < ${lately}`,
      forSeconds: 0,
      severity: "critical",
      level: 2,
      summary: "the guard has restarted {{ $labels.container }}: {{ $labels.cause }}",
      action: "See that it works again; its log before the restart says what it did.",
      subject: "container",
    },
    {
      name: "GuardPowerless",
      requirement: "R-LVL-03",
      expr: `time() - mcp_guard_last_action_seconds{outcome!="done"} < ${lately}`,
      forSeconds: 0,
      severity: "critical",
      level: 3,
      summary: "the guard may not or cannot restart {{ $labels.container }} ({{ $labels.cause }}) any more",
      action: "Restarting has not helped: look at what it does, and take it out with state: stopped.",
      subject: "container",
    },
    {
      name: "MCPProcessOverload",
      requirement: "R-ALR-02",
      expr: "mcp_guard_running > 1",
      forSeconds: 60,
      severity: "critical",
      level: 2,
      summary: "{{ $value }} containers of {{ $labels.container }} run, one is declared",
      action: "npm run up removes those that nobody declared.",
      subject: "container",
    },
    {
      name: "OrphanContainer",
      requirement: "R-ALR-13",
      expr: "mcp_guard_undeclared == 1",
      forSeconds: 60,
      severity: "critical",
      level: 2,
      summary:
        "container {{ $labels.id }} ({{ $labels.container }}) carries this stack's labels and nobody declared it",
      action: "npm run preview names it; npm run up removes it.",
      subject: "container",
    },
    {
      name: "HostProcess",
      requirement: "R-ALR-13",
      expr: "mcp_guard_host_processes > 0",
      forSeconds: 60,
      severity: "warning",
      level: 2,
      summary: "{{ $value }} processes of {{ $labels.package }} run on the host, outside of every container",
      action: "npm run preview lists them; mcp-estate:orphans.hostProcesses: end has the update end them.",
    },
    {
      name: "DiskFilling",
      requirement: "R-MON-05",
      expr: `mcp_guard_disk_free_bytes / mcp_guard_disk_bytes < ${LEAST_DISK}`,
      forSeconds: 300,
      severity: "critical",
      level: 3,
      summary: "{{ $value | humanizePercentage }} of the disk that Docker's volumes lie on is free",
      action: "docker system df says what takes it; history, logs and images have bounds of their own.",
    },
    {
      name: "HostMemoryLow",
      requirement: "R-MON-05",
      expr: `mcp_guard_host_memory_available_bytes / mcp_guard_host_memory_bytes < ${LEAST_MEMORY}`,
      forSeconds: 60,
      severity: "critical",
      level: 3,
      summary: "{{ $value | humanizePercentage }} of the host's memory can still be had",
      action: "What runs outside of the estate has no limit: look there first (HostProcess).",
    },
    {
      name: "GuardSilent",
      requirement: "R-MON-08",
      expr: `up{job="guard"} == 0 or time() - mcp_guard_last_round_seconds > ${windowSeconds(60, context)}`,
      forSeconds: 30,
      severity: "critical",
      level: 3,
      summary: "the guard does not look any more: nobody counts from outside",
      action: "Its log says why; npm run up brings back what was removed.",
    },
    {
      name: "GuardBlind",
      requirement: "R-MON-08",
      expr: "mcp_guard_control_up == 0",
      forSeconds: 60,
      severity: "critical",
      level: 3,
      summary: "the guard has no answer from Docker: it counts, and can restart nothing",
      action: "The log of guard-control says why.",
    },
  ];
}
