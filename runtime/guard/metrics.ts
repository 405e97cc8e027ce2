import { Counter, Gauge, Registry } from "prom-client";
import type { HostFacts } from "./hostFacts.ts";
import type { Cause } from "./judge.ts";
import type { ContainerReading, Round } from "./round.ts";

/** What docker ps shows of an id. */
const SHORT = 12;

const HOST_FIGURES: ReadonlyArray<[keyof HostFacts, string, string]> = [
  ["diskBytes", "mcp_guard_disk_bytes", "Size of the disk that Docker's volumes lie on."],
  ["diskFreeBytes", "mcp_guard_disk_free_bytes", "What of it can still be written."],
  ["memoryBytes", "mcp_guard_host_memory_bytes", "Memory of the host."],
  ["memoryAvailableBytes", "mcp_guard_host_memory_available_bytes", "What of it could be had without swapping."],
  ["load", "mcp_guard_host_load", "Runnable and waiting tasks of the host, over a minute."],
];

/** What the guard tells of its host (R-MON-03, R-MON-05); a container that is gone is told of no more. */
export class GuardMetrics {
  readonly registry = new Registry();
  readonly #actions: Counter<"container" | "cause" | "outcome">;
  readonly #lastAction: Gauge<"container" | "cause" | "outcome">;
  readonly #perContainer: Array<(reading: ContainerReading, labels: { container: string; id: string }) => void> = [];
  readonly #gauges: Gauge[] = [];
  readonly #host = new Map<keyof HostFacts, Gauge>();
  readonly #undeclared: Gauge<"container" | "id">;
  readonly #running: Gauge<"container">;
  readonly #limits: Gauge<"container" | "id" | "limit" | "source">;
  readonly #hostProcesses: Gauge<"package">;
  readonly #foreign: Gauge;
  readonly #missing: Gauge;
  readonly #lastRound: Gauge;
  readonly #roundSeconds: Gauge;
  readonly #controlUp: Gauge;

  constructor() {
    const registers = [this.registry];
    const gauge = (name: string, help: string, value: (reading: ContainerReading) => number | undefined): void => {
      const labelNames = ["container", "id"];
      const created = new Gauge({ name, help, labelNames, registers });
      this.#gauges.push(created);
      this.#perContainer.push((reading, labels) => created.set(labels, value(reading) ?? Number.NaN));
    };
    gauge("mcp_guard_tasks", "Tasks (threads included), as the kernel counts them.", ({ tasks }) => tasks);
    gauge("mcp_guard_processes", "Processes, zombies left out.", ({ processes }) => processes);
    gauge("mcp_guard_zombies", "Ended processes that nobody collected.", ({ zombies }) => zombies);
    gauge("mcp_guard_memory_bytes", "Memory in use without inactive page cache.", ({ memoryBytes }) => memoryBytes);
    gauge("mcp_guard_cpu_seconds", "Processor time used since the container's start.", ({ cpuSeconds }) => cpuSeconds);
    gauge("mcp_guard_stopped", "1 while its program has been stopped by a signal.", ({ stopped }) => Number(stopped));
    const plain = (name: string, help: string) => new Gauge({ name, help, registers });
    for (const [field, name, help] of HOST_FIGURES) this.#host.set(field, plain(name, help));
    this.#limits = new Gauge({
      name: "mcp_guard_limit",
      help: "Limits as declared and as the kernel has them.",
      labelNames: ["container", "id", "limit", "source"],
      registers,
    });
    this.#undeclared = new Gauge({
      name: "mcp_guard_undeclared",
      help: "1 for a container with this stack's labels that nobody declared.",
      labelNames: ["container", "id"],
      registers,
    });
    this.#running = new Gauge({
      name: "mcp_guard_running",
      help: "Containers that run of each declared one.",
      labelNames: ["container"],
      registers,
    });
    this.#hostProcesses = new Gauge({
      name: "mcp_guard_host_processes",
      help: "MCP servers outside of containers.",
      labelNames: ["package"],
      registers,
    });
    this.#foreign = plain("mcp_guard_foreign_containers", "Containers of others on this host.");
    this.#missing = plain("mcp_guard_missing", "Declared containers of which none runs.");
    this.#lastRound = plain("mcp_guard_last_round_seconds", "When the last round ended, Unix time.");
    this.#roundSeconds = plain("mcp_guard_round_duration_seconds", "How long the last round took.");
    this.#controlUp = plain("mcp_guard_control_up", "1 while the filter between guard and Docker answers.");
    const action = { labelNames: ["container", "cause", "outcome"] as const, registers };
    this.#actions = new Counter({
      ...action,
      name: "mcp_guard_actions_total",
      help: "Restarts by cause, and whether they were carried out.",
    });
    // A counter that begins with its first act shows no increase by it.
    this.#lastAction = new Gauge({
      ...action,
      name: "mcp_guard_last_action_seconds",
      help: "When such a restart was last tried, Unix time.",
    });
  }

  /** @param names all that are declared. */
  tell(round: Round, names: readonly string[], { seconds, controlUp }: { seconds: number; controlUp: boolean }): void {
    for (const gauge of [...this.#gauges, this.#limits, this.#undeclared, this.#running, this.#hostProcesses])
      gauge.reset();
    const running = new Map(names.map((name) => [name, 0]));
    for (const reading of round.containers) {
      const { declared, component = "", id } = reading;
      const labels = { container: declared?.name ?? component, id: id.slice(0, SHORT) };
      for (const set of this.#perContainer) set(reading, labels);
      if (declared === undefined) {
        this.#undeclared.set(labels, 1);
        continue;
      }
      running.set(declared.name, (running.get(declared.name) ?? 0) + 1);
      const { memoryMiB, pids, cpus } = declared.limits;
      const wanted = { memory_bytes: memoryMiB * 1024 * 1024, pids, cpus };
      for (const limit of ["memory_bytes", "pids", "cpus"] as const) {
        this.#limits.set({ ...labels, limit, source: "declared" }, wanted[limit]);
        this.#limits.set({ ...labels, limit, source: "kernel" }, reading.limits[limit] ?? Number.NaN);
      }
    }
    for (const [container, count] of running) this.#running.set({ container }, count);
    this.#missing.set([...running.values()].filter((count) => count === 0).length);
    for (const [name, count] of round.hostProcesses) this.#hostProcesses.set({ package: name }, count);
    this.#foreign.set(round.foreign);
    for (const [field, gauge] of this.#host) gauge.set(round.facts[field] ?? Number.NaN);
    this.#roundSeconds.set(seconds);
    this.#controlUp.set(Number(controlUp));
    this.#lastRound.set(Date.now() / 1000);
  }

  count(container: string, cause: Cause, outcome: "done" | "refused" | "failed"): void {
    this.#actions.inc({ container, cause, outcome });
    this.#lastAction.set({ container, cause, outcome }, Date.now() / 1000);
  }
}
