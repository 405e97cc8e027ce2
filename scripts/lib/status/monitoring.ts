import { z } from "zod";
import type { AlertFacts, MonitoringFacts } from "./facts.ts";

const TIMEOUT_MS = 5000;
/** Over a minute each, so that one call more does not count as growth. */
const GROWING =
  "min_over_time(mcp_guard_processes[1m]) > on (container, id) max_over_time(mcp_guard_processes[1m] offset 10m)";
const TEN_MINUTES_AGO = "count(mcp_guard_processes offset 10m)";
/** The sign of life: no news. */
const WATCHDOG = "Watchdog";

const vectorSchema = z.object({
  data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }),
});
const alertsSchema = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    startsAt: z.string(),
    status: z.object({ state: z.string() }),
  }),
);

/** What Prometheus and Alertmanager say. @throws Error when one of them does not answer. */
export async function readMonitoring(prometheusUrl: string, alertmanagerUrl: string): Promise<MonitoringFacts> {
  const query = async (expression: string): Promise<Array<Record<string, string>>> => {
    const answer = await ask(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(expression)}`);
    return vectorSchema.parse(answer).data.result.map(({ metric }) => metric);
  };
  const [down, alerts, growing, before] = await Promise.all([
    query("up == 0"),
    ask(`${alertmanagerUrl}/api/v2/alerts`).then((answer) => alertsSchema.parse(answer)),
    query(GROWING),
    query(TEN_MINUTES_AGO),
  ]);
  return {
    down: down.map(({ instance = "" }) => instance).sort(),
    alerts: alerts
      .filter(({ labels }) => labels["alertname"] !== WATCHDOG)
      .map(alertFacts)
      .sort(byUrgency),
    growing: before.length === 0 ? undefined : growing.map(({ container = "" }) => container).sort(),
  };
}

function alertFacts({ labels, annotations, startsAt }: z.infer<typeof alertsSchema>[number]): AlertFacts {
  return {
    name: labels["alertname"] ?? "",
    severity: labels["severity"] ?? "",
    level: labels["level"] ?? "",
    summary: annotations["summary"] ?? "",
    sinceSeconds: Math.max(0, Math.round((Date.now() - Date.parse(startsAt)) / 1000)),
  };
}

function byUrgency(a: AlertFacts, b: AlertFacts): number {
  return Number(b.level) - Number(a.level) || b.sinceSeconds - a.sinceSeconds;
}

async function ask(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answers with ${response.status}`);
  return response.json();
}
