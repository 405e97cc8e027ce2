import { alertsOf } from "../../components/monitoring/alerts.ts";
import type { AlertContext } from "../../components/monitoring/alert.ts";

/** Of a container of which the guard has told nothing. */
const NOTHING_KNOWN = {
  processes: "not known (limit 15)",
  memory: "not known of not known",
  trend: "not known",
  peak: "not known processes, not known",
  actions: "0 by its ladder, 0 restarts by the guard",
  prevention: "in force: not known tasks, not known",
};

/** What makes one alert fire for a while, in promtool's notation: a value at each scrape. */
interface Case {
  series: Readonly<Record<string, string>>;
  /** Seconds at which it fires; the cause begins at 300 and ends at 1500. */
  firesAt: number;
  /** Seconds at which it is silent: before, too early, after. */
  silentAt: readonly number[];
  /** Labels of the alert beside those of all. */
  labels?: Readonly<Record<string, string>>;
  summary: string;
  /** What its message says of the container beside what is not known. */
  known?: Partial<typeof NOTHING_KNOWN>;
}

const INTERVAL_SECONDS = 15;
const CAUSE = { from: 300, to: 1500, end: 6000 };

/** `well` until the cause, `ill` while it lasts, `well` again. */
function phases(well: string | number, ill: string | number): string {
  const times = (seconds: number): number => seconds / INTERVAL_SECONDS - 1;
  const part = (value: string | number, seconds: number): string =>
    typeof value === "number" ? `${value}x${times(seconds)}` : value;
  return [part(well, CAUSE.from), part(ill, CAUSE.to - CAUSE.from), part(well, CAUSE.end - CAUSE.to)].join(" ");
}

/** A counter that grows by so much at each scrape while the cause lasts, else by `well`. */
function counter(well: number, ill: number): string {
  let value = 0;
  const values: number[] = [];
  for (let seconds = 0; seconds < CAUSE.end; seconds += INTERVAL_SECONDS) {
    value += seconds >= CAUSE.from && seconds < CAUSE.to ? ill : well;
    values.push(value);
  }
  return values.join(" ");
}

const MIB = 1024 * 1024;
const OF_MEMORY = { instance: "memory", job: "servers", server: "memory" };
const series = (name: string, more = ""): string => `${name}{instance="memory", job="servers", server="memory"${more}}`;

const OF_GUARD = { container: "memory", id: "0123456789ab", instance: "guard", job: "guard" };
const guarded = (name: string, more = ""): string =>
  `${name}{container="memory", id="0123456789ab", instance="guard", job="guard"${more}}`;
const OF_ACTION = (outcome: string) => ({
  ...{ container: "memory", cause: "pids-full", outcome },
  ...{ instance: "guard", job: "guard" },
});
const action = (outcome: string): string =>
  `mcp_guard_last_action_seconds{${Object.entries(OF_ACTION(outcome))
    .map(([name, value]) => `${name}="${value}"`)
    .join(", ")}}`;
/** No series at all: at 300 s there are 20 scrapes before. */
const ABSENT = "_x19";

function memoryCase(percent: number, firesAt: number, silentAt: readonly number[], summary: string): Case {
  return {
    series: {
      [guarded("mcp_guard_memory_bytes")]: phases(50 * MIB, percent * MIB),
      [guarded("mcp_guard_limit", ', limit="memory_bytes", source="kernel"')]: phases(100 * MIB, 100 * MIB),
    },
    firesAt,
    silentAt,
    labels: OF_GUARD,
    summary,
    known: {
      memory: `${percent}MiB of 100MiB`,
      peak: `not known processes, ${percent}MiB`,
      prevention: "in force: not known tasks, 100MiB",
    },
  };
}

function processCase(count: number, most: number, firesAt: number, silentAt: readonly number[]): Case {
  return {
    series: { [guarded("mcp_guard_processes")]: phases(2, count) },
    firesAt,
    silentAt,
    labels: OF_GUARD,
    summary: `memory has ${count} processes, over ${most}`,
    known: { processes: `${count} (limit 15)`, trend: "growing", peak: `${count} processes, not known` },
  };
}

const bucket = (name: string, labels: string, le: string): string =>
  `${name}_bucket{${labels && `${labels}, `}le="${le}"}`;

/** Alert → its case. */
const cases: Readonly<Record<string, Case>> = {
  HighMemoryUsage: memoryCase(
    92,
    630,
    [240, 540, 1560],
    "memory has used over 90 % of its memory for five minutes (92%)",
  ),
  MemoryWarning: memoryCase(80, 390, [240, 330, 1560], "memory uses 80% of its memory, over 75 %"),
  MemoryCritical: memoryCase(92, 390, [240, 330, 1560], "memory uses 92% of its memory, over 90 %"),
  MemoryEmergency: memoryCase(97, 315, [240, 1560], "memory uses 97% of its memory, over 95 %"),
  ProcessWarning: processCase(16, 15, 390, [240, 330, 1560]),
  ProcessCritical: processCase(31, 30, 360, [240, 315, 1560]),
  ProcessEmergency: processCase(51, 50, 315, [240, 1560]),
  ProcessNuclear: processCase(101, 100, 315, [240, 1560]),
  ProcessGrowth: {
    series: { [guarded("mcp_guard_processes")]: `2x19 2+4x40 2x200` },
    firesAt: 420,
    silentAt: [240, 1560],
    labels: OF_GUARD,
    summary: "processes of memory grow: 16 more",
    known: { processes: "34 (limit 15)", trend: "growing", peak: "34 processes, not known" },
  },
  LimitBypass: {
    series: {
      [series("mcp_limit", ', limit="pids", source="kernel"')]: phases(32, 99),
      [series("mcp_limit", ', limit="pids", source="declared"')]: phases(32, 32),
    },
    firesAt: 315,
    silentAt: [240, 1560],
    labels: { ...OF_MEMORY, limit: "pids" },
    summary: "the kernel's limit pids of memory is 99, which is not what is declared",
  },
  OutOfMemoryKill: {
    series: { [series("mcp_container_oom_kills_total")]: counter(0, 1) },
    firesAt: 600,
    silentAt: [240, 2400],
    labels: OF_MEMORY,
    summary: "the kernel has ended a process of memory for lack of memory",
  },
  FunctionalFailure: {
    series: {
      'mcp_gateway_server_state{instance="gateway", job="gateway", server="memory", state="unhealthy"}': phases(0, 1),
    },
    firesAt: 315,
    silentAt: [240, 1560],
    labels: { instance: "gateway", job: "gateway", server: "memory", state: "unhealthy" },
    summary: "memory gives no working answer: unhealthy",
  },
  RestartLoop: {
    series: { [series("mcp_server_restarts_total")]: counter(0, 1) },
    firesAt: 600,
    silentAt: [240, 2400],
    labels: OF_MEMORY,
    summary: "memory starts again and again",
  },
  ServersMissing: {
    series: {
      'mcp_gateway_server_state{server="memory", state="healthy"}': phases(1, 1),
      'mcp_gateway_server_state{server="everything", state="healthy"}': phases(1, 0),
    },
    firesAt: 435,
    silentAt: [240, 390, 1560],
    summary: "1 of 2 declared servers work",
  },
  SlowCalls: {
    series: {
      [bucket("mcp_request_duration_seconds", 'server="memory", method="tools/call"', "0.2")]: counter(10, 0),
      [bucket("mcp_request_duration_seconds", 'server="memory", method="tools/call"', "0.5")]: counter(10, 10),
      [bucket("mcp_request_duration_seconds", 'server="memory", method="tools/call"', "+Inf")]: counter(10, 10),
    },
    firesAt: 1200,
    silentAt: [240, 2400],
    labels: { server: "memory" },
    summary: "one of twenty calls of memory takes over 200 ms (485ms)",
  },
  SlowHealth: {
    series: {
      [bucket("mcp_gateway_health_seconds", "", "0.05")]: counter(10, 0),
      [bucket("mcp_gateway_health_seconds", "", "0.1")]: counter(10, 10),
      [bucket("mcp_gateway_health_seconds", "", "+Inf")]: counter(10, 10),
    },
    firesAt: 1200,
    silentAt: [240, 2400],
    summary: "the gateway's own health answer takes over 50 ms (97.5ms)",
  },
  ErrorBudgetBurn: {
    series: {
      'mcp_gateway_requests_total{route="/mcp", status="200"}': counter(10, 5),
      'mcp_gateway_requests_total{route="/mcp", status="502"}': counter(0, 5),
    },
    firesAt: 1200,
    silentAt: [240, 5700],
    summary: "37.98% of the calls fail: the error budget of a month is gone in two days",
  },
  CircuitOpen: {
    series: { 'mcp_gateway_circuit_open{instance_name="memory", server="memory"}': phases(0, 1) },
    firesAt: 390,
    silentAt: [240, 330, 1560],
    labels: { instance_name: "memory", server: "memory" },
    summary: "no calls are sent to memory after repeated failures",
  },
  LimitNotEnforced: {
    series: {
      [guarded("mcp_guard_limit", ', limit="pids", source="kernel"')]: phases(32, 99),
      [guarded("mcp_guard_limit", ', limit="pids", source="declared"')]: phases(32, 32),
    },
    firesAt: 315,
    silentAt: [240, 1560],
    labels: { ...OF_GUARD, limit: "pids" },
    summary: "seen from the host, memory is not held to what is declared (99)",
    known: { prevention: "in force: 99 tasks, not known" },
  },
  TasksNearLimit: {
    series: {
      [guarded("mcp_guard_tasks")]: phases(10, 26),
      [guarded("mcp_guard_limit", ', limit="pids", source="declared"')]: phases(32, 32),
    },
    firesAt: 360,
    silentAt: [240, 315, 1560],
    labels: OF_GUARD,
    summary: "memory uses 81.25% of its tasks: forks are about to fail",
  },
  ProgramStopped: {
    series: { [guarded("mcp_guard_stopped")]: phases(0, 1) },
    firesAt: 360,
    silentAt: [240, 315, 1560],
    labels: OF_GUARD,
    summary: "the program of memory has been stopped by a signal",
  },
  GuardActed: {
    series: { [action("done")]: phases(ABSENT, "300x79") },
    firesAt: 330,
    silentAt: [240, 900],
    labels: OF_ACTION("done"),
    summary: "the guard has restarted memory: pids-full",
  },
  GuardPowerless: {
    series: { [action("refused")]: phases(ABSENT, "300x79") },
    firesAt: 330,
    silentAt: [240, 900],
    labels: OF_ACTION("refused"),
    summary: "the guard may not or cannot restart memory (pids-full) any more",
  },
  MCPProcessOverload: {
    series: { 'mcp_guard_running{container="memory", instance="guard", job="guard"}': phases(1, 2) },
    firesAt: 390,
    silentAt: [240, 330, 1560],
    labels: { container: "memory", instance: "guard", job: "guard" },
    summary: "2 containers of memory run, one is declared",
  },
  OrphanContainer: {
    series: { [guarded("mcp_guard_undeclared")]: phases(ABSENT, 1) },
    firesAt: 390,
    silentAt: [240, 330, 1800],
    labels: OF_GUARD,
    summary: "container 0123456789ab (memory) carries this stack's labels and nobody declared it",
  },
  HostProcess: {
    series: { 'mcp_guard_host_processes{package="server-memory", instance="guard", job="guard"}': phases(ABSENT, 3) },
    firesAt: 390,
    silentAt: [240, 330, 1800],
    labels: { package: "server-memory", instance: "guard", job: "guard" },
    summary: "3 processes of server-memory run on the host, outside of every container",
  },
  DiskFilling: {
    series: {
      'mcp_guard_disk_free_bytes{instance="guard", job="guard"}': phases(50, 8),
      'mcp_guard_disk_bytes{instance="guard", job="guard"}': phases(100, 100),
    },
    firesAt: 630,
    silentAt: [240, 540, 1560],
    labels: { instance: "guard", job: "guard" },
    summary: "8% of the disk that Docker's volumes lie on is free",
  },
  HostMemoryLow: {
    series: {
      'mcp_guard_host_memory_available_bytes{instance="guard", job="guard"}': phases(50, 4),
      'mcp_guard_host_memory_bytes{instance="guard", job="guard"}': phases(100, 100),
    },
    firesAt: 390,
    silentAt: [240, 330, 1560],
    labels: { instance: "guard", job: "guard" },
    summary: "4% of the host's memory can still be had",
  },
  GuardSilent: {
    series: { 'up{instance="guard", job="guard"}': phases(1, 0) },
    firesAt: 360,
    silentAt: [240, 315, 1560],
    labels: { instance: "guard", job: "guard" },
    summary: "the guard does not look any more: nobody counts from outside",
  },
  GuardBlind: {
    series: { 'mcp_guard_control_up{instance="guard", job="guard"}': phases(1, 0) },
    firesAt: 390,
    silentAt: [240, 330, 1560],
    labels: { instance: "guard", job: "guard" },
    summary: "the guard has no answer from Docker: it counts, and can restart nothing",
  },
  LogPathDead: {
    series: { 'up{instance="collector", job="collector"}': phases(1, 0) },
    firesAt: 450,
    silentAt: [240, 390, 1560],
    labels: { instance: "collector", job: "collector" },
    summary: "a canary line does not come to the end of the way any more: logs are read by nobody",
  },
  GpuUnderused: {
    series: { 'DCGM_FI_DEV_GPU_UTIL{Hostname="gpu-1", gpu="0", instance="gpu-1", job="gpu"}': phases(90, 12) },
    firesAt: 1230,
    silentAt: [240, 1140, 1560],
    labels: { Hostname: "gpu-1", gpu: "0" },
    summary: "GPU 0 of gpu-1 is used to 12 %: it is paid for and idle",
  },
  GpuFallback: {
    series: { 'mcp_gateway_instance_gpu{instance_name="memory", server="memory"}': phases(1, 0) },
    firesAt: 1230,
    silentAt: [240, 1140, 1560],
    labels: { instance_name: "memory", server: "memory" },
    summary: "memory asks for a GPU and runs on a processor: no node has one left",
  },
  GatewayUnreachable: {
    series: { 'up{instance="gateway", job="gateway"}': phases(1, 0) },
    firesAt: 390,
    silentAt: [240, 330, 1560],
    labels: { instance: "gateway", job: "gateway" },
    summary: "the gateway does not answer its scrape: nobody can call a server",
  },
  ScrapeFailing: {
    series: { 'up{instance="memory", job="servers"}': phases(1, 0) },
    firesAt: 390,
    silentAt: [240, 330, 1560],
    labels: { instance: "memory", job: "servers" },
    summary: "memory does not answer its scrape",
  },
  NotificationsFailing: {
    series: { 'alertmanager_notifications_failed_total{integration="webhook"}': counter(0, 1) },
    firesAt: 600,
    silentAt: [240, 2400],
    labels: { integration: "webhook" },
    summary: "alerts do not reach a receiver (webhook)",
  },
};

/** The sign of life has no cause and no end. */
const ALWAYS = "Watchdog";

/**
 * promtool's test file for all alerts: each fires for its cause, is silent without it and ends with it.
 * @throws Error for an alert without a case.
 */
export function alertCases(context: AlertContext, ruleFile: string): object {
  const tests = alertsOf(context)
    .filter(({ name }) => name !== ALWAYS)
    .map((alert) => {
      const found = cases[alert.name];
      if (found === undefined) throw new Error(`alert ${alert.name} has no case: nobody knows whether it fires`);
      const { name, severity, level, action, requirement, subject } = alert;
      const firing = {
        exp_labels: { stack: "prod", severity, level: String(level), ...found.labels },
        exp_annotations: {
          ...{ summary: found.summary, action, requirement, runbook: `docs/runbooks/${name}.md` },
          ...(subject ? { ...NOTHING_KNOWN, ...found.known } : {}),
        },
      };
      return {
        name,
        interval: `${INTERVAL_SECONDS}s`,
        input_series: Object.entries(found.series).map(([each, values]) => ({ series: each, values })),
        alert_rule_test: [
          { eval_time: `${found.firesAt}s`, alertname: name, exp_alerts: [firing] },
          ...found.silentAt.map((seconds) => ({ eval_time: `${seconds}s`, alertname: name, exp_alerts: [] })),
        ],
      };
    });
  return { rule_files: [ruleFile], evaluation_interval: `${INTERVAL_SECONDS}s`, tests: [...tests, climbing()] };
}

/** R-LVL-05: what nobody has silenced within half an hour is told a level higher too; and what a message says of a container. */
function climbing(): object {
  const figures = {
    [guarded("mcp_guard_processes")]: "3x19 4+1x200",
    [guarded("mcp_guard_memory_bytes")]: `${50 * MIB}x220`,
    [guarded("mcp_guard_limit", ', limit="memory_bytes", source="kernel"')]: `${100 * MIB}x220`,
    [guarded("mcp_guard_limit", ', limit="pids", source="kernel"')]: "32x220",
    [guarded("mcp_guard_stopped")]: "0x19 1x200",
  };
  const alert = (level: string, more: object, processes: number) => ({
    exp_labels: { stack: "prod", severity: "critical", level, ...OF_GUARD, ...more },
    exp_annotations: {
      summary: "the program of memory has been stopped by a signal",
      action: "The guard restarts it; find out who sent SIGSTOP.",
      requirement: "R-PRC-07",
      runbook: "docs/runbooks/ProgramStopped.md",
      processes: `${processes} (limit 15)`,
      memory: "50MiB of 100MiB",
      trend: "growing",
      peak: `${processes} processes, 50MiB`,
      actions: "0 by its ladder, 0 restarts by the guard",
      prevention: "in force: 32 tasks, 100MiB",
    },
  });
  const at = (seconds: number): number => 4 + (seconds - CAUSE.from) / INTERVAL_SECONDS;
  return {
    name: "climbing",
    interval: `${INTERVAL_SECONDS}s`,
    input_series: Object.entries(figures).map(([series, values]) => ({ series, values })),
    alert_rule_test: [
      { eval_time: "600s", alertname: "ProgramStopped", exp_alerts: [alert("2", {}, at(600))] },
      {
        eval_time: "2160s",
        alertname: "ProgramStopped",
        exp_alerts: [alert("2", {}, at(2160)), alert("3", { climbed_from: "2" }, at(2160))],
      },
    ],
  };
}
