import { limitClasses } from "../limitClasses.ts";
import type { StoreProgram } from "./store.ts";
import type { StoresConfig } from "./storesConfig.ts";

/** OTLP over HTTP. */
export const OTLP_PORT = 4318;
/** Its page, and what Grafana asks. */
export const JAEGER_PORT = 16686;
const CONFIG = "/etc/jaeger/mcp-estate.yaml";
const MOST_TRACES = 20_000;

/** Jaeger with its store in memory: an OpenTelemetry collector's configuration (https://www.jaegertracing.io/docs/2.6/configuration/). */
export function jaegerProgram({ image, port }: NonNullable<StoresConfig["jaeger"]>): StoreProgram {
  const config = {
    service: {
      extensions: ["jaeger_storage", "jaeger_query", "healthcheckv2"],
      pipelines: { traces: { receivers: ["otlp"], processors: ["batch"], exporters: ["jaeger_storage_exporter"] } },
      telemetry: { logs: { level: "warn" } },
    },
    extensions: {
      healthcheckv2: { use_v2: true, http: { endpoint: "0.0.0.0:13133" } },
      jaeger_query: { storage: { traces: "memory" }, http: { endpoint: `0.0.0.0:${JAEGER_PORT}` } },
      jaeger_storage: { backends: { memory: { memory: { max_traces: MOST_TRACES } } } },
    },
    receivers: { otlp: { protocols: { http: { endpoint: `0.0.0.0:${OTLP_PORT}` } } } },
    processors: { batch: {} },
    exporters: { jaeger_storage_exporter: { trace_storage: "memory" } },
  };
  return {
    image,
    files: { [CONFIG]: `${JSON.stringify(config, null, 2)}\n` },
    entrypoint: ["/cmd/jaeger/jaeger-linux", "--config", CONFIG],
    user: "10001:10001",
    env: {},
    limits: { ...limitClasses.standard, nofile: { soft: 8192, hard: 8192 } },
    port: { containerPort: JAEGER_PORT, hostPort: port },
  };
}
