import { windowSeconds, type Alert, type AlertContext } from "./alert.ts";

/** Fires always: who no longer gets it knows that the monitoring is dead. */
export const WATCHDOG = "Watchdog";

/** The monitoring watches itself (R-MON-08). */
export function ownAlerts(context: AlertContext): Alert[] {
  return [
    ...(context.collects ? [logPathDead(context)] : []),
    {
      name: WATCHDOG,
      requirement: "R-MON-08",
      expr: "vector(1)",
      forSeconds: 0,
      severity: "warning",
      level: 1,
      summary: "the way from Prometheus to you works",
      action: "Nothing; when it stops, the monitoring is dead.",
    },
    {
      name: "GatewayUnreachable",
      requirement: "R-MON-08",
      expr: 'up{job="gateway"} == 0',
      forSeconds: 60,
      severity: "emergency",
      level: 4,
      summary: "the gateway does not answer its scrape: nobody can call a server",
      action: "npm run status; npm run up brings back what was removed.",
    },
    {
      name: "ScrapeFailing",
      requirement: "R-MON-08",
      expr: 'up{job!~"gateway|guard|collector"} == 0',
      forSeconds: 60,
      severity: "warning",
      level: 2,
      summary: "{{ $labels.instance }} does not answer its scrape",
      action: "Is its container running? Its figures are unknown until then.",
    },
    {
      name: "NotificationsFailing",
      requirement: "R-MON-08",
      expr: `increase(alertmanager_notifications_failed_total[${windowSeconds(300, context)}s]) > 0`,
      forSeconds: 0,
      severity: "critical",
      level: 3,
      summary: "alerts do not reach a receiver ({{ $labels.integration }})",
      action: "The log of the container alertmanager says what the receiver answered.",
    },
  ];
}

function logPathDead(context: AlertContext): Alert {
  const lately = windowSeconds(60, context);
  return {
    name: "LogPathDead",
    requirement: "R-ALR-10",
    expr: `up{job="collector"} == 0 or time() - mcp_collector_canary_seconds > ${lately}`,
    forSeconds: 120,
    severity: "critical",
    level: 3,
    summary: "a canary line does not come to the end of the way any more: logs are read by nobody",
    action: "The log of the container collector says what the store answered; lines wait with Docker until it is back.",
  };
}
