import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { RoutedServer } from "./routedServer.ts";
import type { Upstream } from "./upstream.ts";

/** Seconds; targets: 50 ms for health, 200 ms for calls (R-SLO-01, R-SLO-02), the end at 30 s. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30];
const STATES = ["starting", "healthy", "degraded", "unhealthy", "crash-loop", "quarantined", "stopped"];

/** The metrics of the gateway (R-GW-15). */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"route" | "server" | "status">;
  readonly #duration: Histogram<"route" | "server">;
  readonly #health: Histogram;
  /** Looking labels up costs more than counting; the keys are as bounded as the labels. */
  readonly #known = new Map<string, { requests: Counter.Internal; duration: Histogram.Internal<"route" | "server"> }>();

  constructor(servers: () => readonly RoutedServer[]) {
    const registers = [this.registry];
    this.#requests = new Counter({
      name: "mcp_gateway_requests_total",
      help: "Requests by route, server and HTTP status.",
      labelNames: ["route", "server", "status"],
      registers,
    });
    this.#duration = new Histogram({
      name: "mcp_gateway_request_duration_seconds",
      help: "Time from the request to its answer.",
      labelNames: ["route", "server"],
      buckets: BUCKETS,
      registers,
    });
    this.#health = new Histogram({
      name: "mcp_gateway_health_seconds",
      help: "Time from asking for its own /health, once a second, to the answer.",
      buckets: BUCKETS,
      registers,
    });
    /** @param value of each instance; one without has no series. */
    const perInstance = (
      name: string,
      help: string,
      value: (upstream: Upstream, server: RoutedServer) => number | boolean | undefined,
    ): void => {
      const gauge: Gauge<"server" | "instance_name"> = new Gauge({
        name,
        help,
        labelNames: ["server", "instance_name"],
        registers,
        collect: (): void => {
          gauge.reset();
          for (const server of servers()) {
            for (const upstream of server.upstreams) {
              const found = value(upstream, server);
              if (found !== undefined) gauge.set({ server: server.name, instance_name: upstream.name }, Number(found));
            }
          }
        },
      });
    };
    perInstance("mcp_gateway_instance_up", "1 when calls are routed to the instance.", ({ routable }) => routable);
    perInstance("mcp_gateway_calls_in_flight", "Calls on their way to a server.", ({ places }) => places.held);
    perInstance("mcp_gateway_calls_queued", "Calls that wait for a place.", ({ places }) => places.queued);
    perInstance(
      "mcp_gateway_circuit_open",
      "1 while no calls are sent after repeated failures.",
      ({ breaker }) => breaker.open,
    );
    perInstance(
      "mcp_gateway_instance_gpu",
      "Of instances that ask for a GPU: 1 when it has one, 0 when it runs on a processor.",
      ({ name }, server) => server.gpuOf(name),
    );
    const repeats: Counter<"server"> = new Counter({
      name: "mcp_gateway_repeated_calls_total",
      help: "Calls of repeatable tools that were lost and done once more.",
      labelNames: ["server"],
      registers,
      collect: () => {
        repeats.reset();
        for (const server of servers()) repeats.inc({ server: server.name }, server.repeats);
      },
    });
    const state: Gauge<"server" | "state"> = new Gauge({
      name: "mcp_gateway_server_state",
      help: "1 for the present state of a server as the gateway sees it.",
      labelNames: ["server", "state"],
      registers,
      collect: (): void => {
        state.reset();
        for (const server of servers()) {
          const present = server.state.state;
          for (const name of STATES) state.set({ server: server.name, state: name }, Number(present === name));
        }
      },
    });
  }

  observeHealth(seconds: number): void {
    this.#health.observe(seconds);
  }

  /** `route` and `server` come from fixed sets, never from the client. */
  observe(route: string, server: string, status: number, seconds: number): void {
    const key = `${route} ${server} ${status}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = {
        requests: this.#requests.labels({ route, server, status: String(status) }),
        duration: this.#duration.labels({ route, server }),
      };
      this.#known.set(key, known);
    }
    known.requests.inc();
    known.duration.observe(seconds);
  }
}
