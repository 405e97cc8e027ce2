import { windowSeconds, type Alert, type AlertContext } from "./alert.ts";

/** The kernel's limit beside what is in use: the same series but for the labels of the limit. */
const MEMORY_SHARE =
  'mcp_guard_memory_bytes / ignoring(limit, source) mcp_guard_limit{limit="memory_bytes", source="kernel"}';
const PROCESSES = "mcp_guard_processes";
/** R-ALR-05: more than that in 30 s is growth. */
const GROWTH = { processes: 5, seconds: 30 };

/** Memory and processes of each container as the guard counts them, limits and lost processes as its supervisor knows them. */
export function resourceAlerts(context: AlertContext): Alert[] {
  return [
    {
      name: "HighMemoryUsage",
      requirement: "R-ALR-01",
      expr: `${MEMORY_SHARE} > 0.9`,
      forSeconds: 300,
      severity: "warning",
      level: 2,
      summary:
        "{{ $labels.container }} has used over 90 % of its memory for five minutes ({{ $value | humanizePercentage }})",
      action: "Look for growth; raise the limit or end what holds the memory.",
      subject: "container",
    },
    memory("MemoryWarning", 0.75, 60, "warning", 1),
    memory("MemoryCritical", 0.9, 60, "critical", 2),
    memory("MemoryEmergency", 0.95, 0, "emergency", 3),
    processes("ProcessWarning", 15, 60, "warning", 1),
    processes("ProcessCritical", 30, 30, "critical", 2),
    processes("ProcessEmergency", 50, 0, "emergency", 3),
    processes("ProcessNuclear", 100, 0, "emergency", 4),
    growth(context),
    {
      name: "GpuUnderused",
      requirement: "R-ALR-14",
      // As NVIDIA's own exporter has it; where no host has one it gives nothing.
      expr: "max by (Hostname, gpu) (DCGM_FI_DEV_GPU_UTIL) < 70",
      forSeconds: 900,
      severity: "warning",
      level: 2,
      summary: "GPU {{ $labels.gpu }} of {{ $labels.Hostname }} is used to {{ $value }} %: it is paid for and idle",
      action: "Give it more to do, or take the host out of the stack.",
    },
    {
      name: "GpuFallback",
      requirement: "R-ALR-14",
      expr: "mcp_gateway_instance_gpu == 0",
      forSeconds: 900,
      severity: "warning",
      level: 2,
      summary: "{{ $labels.instance_name }} asks for a GPU and runs on a processor: no node has one left",
      action: "Bring back the node with the GPU or add one, then npm run up; or set gpu to none.",
      subject: "server",
    },
    {
      name: "LimitBypass",
      requirement: "R-ALR-06",
      expr: 'mcp_limit{source="kernel"} != ignoring(source) mcp_limit{source="declared"}',
      forSeconds: 0,
      severity: "critical",
      level: 3,
      summary:
        "the kernel's limit {{ $labels.limit }} of {{ $labels.instance }} is {{ $value }}, which is not what is declared",
      action: "npm run up puts the declared limit in force; find out who changed it.",
      subject: "instance",
    },
    {
      name: "OutOfMemoryKill",
      requirement: "R-ALR-03",
      expr: `increase(mcp_container_oom_kills_total[${windowSeconds(600, context)}s]) > 0`,
      forSeconds: 0,
      severity: "critical",
      level: 2,
      summary: "the kernel has ended a process of {{ $labels.instance }} for lack of memory",
      action: "Raise its limit or find what took the memory.",
      subject: "instance",
    },
  ];
}

function memory(
  name: string,
  share: number,
  forSeconds: number,
  severity: Alert["severity"],
  level: Alert["level"],
): Alert {
  return {
    name,
    requirement: "R-ALR-03",
    expr: `${MEMORY_SHARE} > ${share}`,
    forSeconds,
    severity,
    level,
    summary: `{{ $labels.container }} uses {{ $value | humanizePercentage }} of its memory, over ${share * 100} %`,
    action: "The ladder acts by itself; if it grows on, restart the server and look at its calls.",
    subject: "container",
  };
}

function processes(
  name: string,
  most: number,
  forSeconds: number,
  severity: Alert["severity"],
  level: Alert["level"],
): Alert {
  return {
    name,
    requirement: "R-ALR-04",
    expr: `${PROCESSES} > ${most}`,
    forSeconds,
    severity,
    level,
    summary: `{{ $labels.container }} has {{ $value }} processes, over ${most}`,
    action: "The ladder acts by itself; if they grow on, restart the server and look at what it starts.",
    subject: "container",
  };
}

function growth(context: AlertContext): Alert {
  const seconds = windowSeconds(GROWTH.seconds, context);
  const processes = Math.max(GROWTH.processes, Math.round((GROWTH.processes * seconds) / GROWTH.seconds));
  return {
    name: "ProcessGrowth",
    requirement: "R-ALR-05",
    expr: `delta(${PROCESSES}[${seconds}s]) > ${processes}`,
    forSeconds: 30,
    severity: "critical",
    level: 2,
    summary: "processes of {{ $labels.container }} grow: {{ $value | humanize }} more",
    action: "A runaway grew by one each second: end its source before the pids limit is reached.",
    subject: "container",
  };
}
