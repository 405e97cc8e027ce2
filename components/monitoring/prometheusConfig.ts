import { SECRETS_DIR, SERVICE_PORT } from "../../runtime/contract/index.ts";
import { ALERTMANAGER_PORT, PROMETHEUS_FILES, PROMETHEUS_PORT } from "../imageRecipe.ts";

export interface PrometheusConfigArgs {
  scrapeSeconds: number;
  /** Host names of all server containers. */
  instances: readonly string[];
  /** Host name under which the gateway's published port is found inside, and whether it speaks TLS. */
  edge: { host: string; tls: boolean };
  alertmanager: string;
  guard: string;
  /** @default there is none */
  collector?: string;
}

/** A scrape that takes longer has failed. */
const MOST_SCRAPE_SECONDS = 10;

/**
 * Prometheus' configuration. JSON, which is YAML too. All that the estate tells comes through the gateway, which alone is on
 * every server's network (docs/adr/0022-monitoring.md).
 */
export function prometheusConfig({
  scrapeSeconds,
  instances,
  edge,
  alertmanager,
  guard,
  collector,
}: PrometheusConfigArgs): string {
  const gateway = {
    scheme: edge.tls ? "https" : "http",
    authorization: { credentials_file: `${SECRETS_DIR}/${PROMETHEUS_FILES.token}` },
    // The certificate is the stack's own, and for the names of the outside.
    ...(edge.tls ? { tls_config: { insecure_skip_verify: true } } : {}),
  };
  const address = `${edge.host}:${SERVICE_PORT}`;
  const config = {
    global: {
      scrape_interval: `${scrapeSeconds}s`,
      scrape_timeout: `${Math.min(scrapeSeconds, MOST_SCRAPE_SECONDS)}s`,
      evaluation_interval: `${scrapeSeconds}s`,
    },
    rule_files: [`${SECRETS_DIR}/${PROMETHEUS_FILES.alerts}`],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`${alertmanager}:${ALERTMANAGER_PORT}`] }] }] },
    scrape_configs: [
      own("prometheus", `127.0.0.1:${PROMETHEUS_PORT}`),
      own("alertmanager", `${alertmanager}:${ALERTMANAGER_PORT}`),
      own("guard", `${guard}:${SERVICE_PORT}`),
      ...(collector ? [own("collector", `${collector}:${SERVICE_PORT}`)] : []),
      { job_name: "gateway", ...gateway, static_configs: [{ targets: [address], labels: { instance: "gateway" } }] },
      {
        job_name: "servers",
        ...gateway,
        static_configs: instances.map((instance) => ({
          targets: [address],
          labels: { instance, __metrics_path__: `/instances/${instance}/metrics` },
        })),
      },
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function own(job: string, target: string) {
  return { job_name: job, static_configs: [{ targets: [target], labels: { instance: job } }] };
}
