import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Seconds; a call through the supervisor takes about half a millisecond, and ends at 30 s at the latest. */
const CALL_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30];

/** States as they stand in the label of `mcp_server_state`. */
export const STATES = ["starting", "healthy", "degraded", "unhealthy", "crash-loop", "quarantined", "stopped"] as const;
export type ServerState = (typeof STATES)[number];

/** What is read at each scrape; seconds and bytes, undefined where unknown. */
export interface Reading {
  readonly state: ServerState;
  readonly proofAgeSeconds: number | undefined;
  readonly proofSeconds: number | undefined;
  readonly restarts: number;
  readonly spawns: number;
  readonly sessions: number;
  readonly children: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly processes: number | undefined;
  readonly tasks: number | undefined;
  readonly zombies: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly oomKills: number | undefined;
  /** limit → declared and actual; NaN where the kernel has none. */
  readonly limits: Readonly<Record<string, readonly [declared: number, actual: number]>>;
}

/** The metrics of one supervisor (R-MON-03, R-MON-04). */
export class SupervisorMetrics {
  readonly registry = new Registry();
  readonly requests: Counter<"method" | "outcome">;
  readonly duration: Histogram<"method">;
  readonly stray: Counter;
  readonly ladderActions: Counter<"level" | "action">;
  /** Looking labels up costs more than counting; the keys are as bounded as the labels. */
  readonly #known = new Map<string, { requests: Counter.Internal; duration: Histogram.Internal<"method"> }>();

  constructor(server: string, read: () => Reading) {
    const registers = [this.registry];
    this.registry.setDefaultLabels({ server });
    this.requests = new Counter({
      name: "mcp_requests_total",
      help: "Client requests by method and outcome.",
      labelNames: ["method", "outcome"],
      registers,
    });
    this.duration = new Histogram({
      name: "mcp_request_duration_seconds",
      help: "Time from the request to its answer.",
      labelNames: ["method"],
      buckets: CALL_BUCKETS,
      registers,
    });
    this.stray = new Counter({
      name: "mcp_stray_lines_total",
      help: "Lines of the server that were no message.",
      registers,
    });
    this.ladderActions = new Counter({
      name: "mcp_ladder_actions_total",
      help: "Actions of the ladder by level.",
      labelNames: ["level", "action"],
      registers,
    });
    this.#gauges(read, registers);
  }

  /** Methods come from clients: unknown ones share one label, so that nobody can grow the registry. */
  observe(method: string, outcome: string, seconds: number): void {
    const label = KNOWN_METHODS.has(method) ? method : "other";
    const key = `${label} ${outcome}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = {
        requests: this.requests.labels({ method: label, outcome }),
        duration: this.duration.labels({ method: label }),
      };
      this.#known.set(key, known);
    }
    known.requests.inc();
    known.duration.observe(seconds);
  }

  #gauges(read: () => Reading, registers: Registry[]): void {
    const gauge = (name: string, help: string, value: (reading: Reading) => number | undefined): void => {
      const created: Gauge = new Gauge({
        name,
        help,
        registers,
        collect: (): void => created.set(value(read()) ?? Number.NaN),
      });
    };
    gauge("mcp_server_proof_age_seconds", "Age of the last functional proof.", (reading) => reading.proofAgeSeconds);
    gauge(
      "mcp_server_proof_duration_seconds",
      "Duration of the last functional proof.",
      (reading) => reading.proofSeconds,
    );
    gauge("mcp_server_up", "1 when calls are routed to the server.", ({ state }) =>
      Number(state === "healthy" || state === "degraded"),
    );
    gauge("mcp_sessions", "Open MCP sessions.", (reading) => reading.sessions);
    gauge("mcp_children", "Running server processes under the supervisor.", (reading) => reading.children);
    gauge("mcp_calls_in_flight", "Calls that the server works on.", (reading) => reading.inFlight);
    gauge("mcp_calls_queued", "Calls that wait for their turn.", (reading) => reading.queued);
    gauge("mcp_container_processes", "Processes in the container.", (reading) => reading.processes);
    gauge("mcp_container_tasks", "Tasks (threads included) in the container.", (reading) => reading.tasks);
    gauge("mcp_container_zombies", "Ended processes that nobody collected.", (reading) => reading.zombies);
    gauge("mcp_container_memory_bytes", "Memory in use without inactive page cache.", (reading) => reading.memoryBytes);
    const counter = (name: string, help: string, value: (reading: Reading) => number): void => {
      const created: Counter = new Counter({
        name,
        help,
        registers,
        collect: () => {
          created.reset();
          created.inc(value(read()));
        },
      });
    };
    counter("mcp_server_restarts_total", "Starts of the server after the first.", (reading) => reading.restarts);
    counter("mcp_server_spawns_total", "Starts of the server.", (reading) => reading.spawns);
    counter("mcp_container_oom_kills_total", "Processes ended for lack of memory.", (reading) => reading.oomKills ?? 0);
    const state: Gauge<"state"> = new Gauge({
      name: "mcp_server_state",
      help: "1 for the present state.",
      labelNames: ["state"],
      registers,
      collect: () => STATES.forEach((name) => state.set({ state: name }, Number(read().state === name))),
    });
    const limits: Gauge<"limit" | "source"> = new Gauge({
      name: "mcp_limit",
      help: "Limits as declared and as the kernel has them.",
      labelNames: ["limit", "source"],
      registers,
      collect: () => {
        for (const [limit, [declared, actual]] of Object.entries(read().limits)) {
          limits.set({ limit, source: "declared" }, declared);
          limits.set({ limit, source: "kernel" }, actual);
        }
      },
    });
  }
}

const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "tools/list",
  "tools/call",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/read",
  "resources/templates/list",
  "resources/subscribe",
  "resources/unsubscribe",
  "completion/complete",
  "logging/setLevel",
]);
