import { windowSeconds, type Alert, type AlertContext } from "./alert.ts";

/** R-SLO: 99.9 % of the calls are answered. */
const ERROR_BUDGET = 0.001;
/** The budget of 30 days is gone in two. */
const FAST_BURN = 14.4;
const CALLS = 'route=~"/execute|/mcp|/servers/NAME/mcp"';

/** What callers notice: servers that do not answer, slow ones, errors. */
export function serviceAlerts(context: AlertContext): Alert[] {
  const range = (seconds: number): string => `${windowSeconds(seconds, context)}s`;
  const errorShare = (window: string): string =>
    `sum(rate(mcp_gateway_requests_total{${CALLS}, status=~"5.."}[${window}])) / sum(rate(mcp_gateway_requests_total{${CALLS}}[${window}]))`;
  return [
    {
      name: "FunctionalFailure",
      requirement: "R-ALR-07",
      expr: 'mcp_gateway_server_state{state=~"unhealthy|crash-loop|quarantined"} == 1',
      forSeconds: 0,
      severity: "critical",
      level: 2,
      summary: "{{ $labels.server }} gives no working answer: {{ $labels.state }}",
      action: "npm run status says why; restart its container, then look at its log.",
      subject: "server",
    },
    {
      name: "RestartLoop",
      requirement: "R-ALR-08",
      expr: `increase(mcp_server_restarts_total[${range(600)}]) > 3 or mcp_server_state{state="crash-loop"} == 1`,
      forSeconds: 0,
      severity: "critical",
      level: 3,
      summary: "{{ $labels.instance }} starts again and again",
      action: "Its log says what ends it; go back with npm run rollback when an update brought it.",
      subject: "instance",
    },
    {
      name: "ServersMissing",
      requirement: "R-ALR-09",
      expr: `sum(mcp_gateway_server_state{state=~"healthy|degraded"}) < ${context.servers}`,
      forSeconds: 120,
      severity: "critical",
      level: 3,
      summary: `{{ $value }} of ${context.servers} declared servers work`,
      action: "npm run status names those that do not; npm run up brings back what was removed.",
    },
    {
      name: "SlowCalls",
      requirement: "R-ALR-11",
      expr: `histogram_quantile(0.95, sum by (server, le) (rate(mcp_request_duration_seconds_bucket{method="tools/call"}[${range(300)}]))) > 0.2`,
      forSeconds: 300,
      severity: "warning",
      level: 2,
      summary: "one of twenty calls of {{ $labels.server }} takes over 200 ms ({{ $value | humanizeDuration }})",
      action: "Compare with calls in flight and queued; give it more CPU or another instance.",
      subject: "server",
    },
    {
      name: "SlowHealth",
      requirement: "R-ALR-11",
      expr: `histogram_quantile(0.95, sum by (le) (rate(mcp_gateway_health_seconds_bucket[${range(300)}]))) > 0.05`,
      forSeconds: 300,
      severity: "warning",
      level: 2,
      summary: "the gateway's own health answer takes over 50 ms ({{ $value | humanizeDuration }})",
      action: "The gateway or its host is overloaded: look at its CPU.",
    },
    {
      name: "ErrorBudgetBurn",
      requirement: "R-ALR-12",
      expr: `${errorShare(range(3600))} > ${FAST_BURN * ERROR_BUDGET} and ${errorShare(range(300))} > ${FAST_BURN * ERROR_BUDGET}`,
      forSeconds: 0,
      severity: "critical",
      level: 3,
      summary: "{{ $value | humanizePercentage }} of the calls fail: the error budget of a month is gone in two days",
      action: "See which server fails (FunctionalFailure), or which update began it (npm run history).",
    },
    {
      name: "CircuitOpen",
      requirement: "R-ALR-07",
      expr: "mcp_gateway_circuit_open == 1",
      forSeconds: 60,
      severity: "warning",
      level: 2,
      summary: "no calls are sent to {{ $labels.instance_name }} after repeated failures",
      action: "It is probed on; its log says what its calls ended with.",
      subject: "instance_name",
    },
  ];
}
