import { Counter, Gauge, Registry } from "prom-client";

/** What the collector tells of itself. */
export class CollectorMetrics {
  readonly registry = new Registry();
  readonly lines: Counter<"outcome">;
  readonly traces: Counter<"outcome">;
  /** Unix time of the newest canary at the end of the way. */
  readonly canary: Gauge;
  readonly controlUp: Gauge;
  readonly followed: Gauge;

  constructor() {
    const registers = [this.registry];
    this.lines = new Counter({
      name: "mcp_collector_lines_total",
      help: "Log lines by what became of them: delivered, refused by the store for good, failed and tried again.",
      labelNames: ["outcome"],
      registers,
    });
    this.traces = new Counter({
      name: "mcp_collector_trace_batches_total",
      help: "Batches of spans by what became of them: delivered, dropped.",
      labelNames: ["outcome"],
      registers,
    });
    this.canary = new Gauge({
      name: "mcp_collector_canary_seconds",
      help: "When the newest canary line that has come to the end of the way was written, Unix time.",
      registers,
    });
    this.controlUp = new Gauge({
      name: "mcp_collector_control_up",
      help: "1 while the filter between collector and Docker answers.",
      registers,
    });
    this.followed = new Gauge({ name: "mcp_collector_followed", help: "Containers whose log is read.", registers });
    // A counter that begins with its first fault shows no increase by it.
    for (const outcome of ["delivered", "refused", "failed"]) this.lines.inc({ outcome }, 0);
    for (const outcome of ["delivered", "dropped"]) this.traces.inc({ outcome }, 0);
  }
}
