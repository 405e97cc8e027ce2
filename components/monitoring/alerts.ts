import type { Alert, AlertContext } from "./alert.ts";
import { guardAlerts } from "./guardAlerts.ts";
import { ownAlerts } from "./ownAlerts.ts";
import { resourceAlerts } from "./resourceAlerts.ts";
import { serviceAlerts } from "./serviceAlerts.ts";

/** Every alert of an estate. */
export function alertsOf(context: AlertContext): Alert[] {
  return [...resourceAlerts(context), ...guardAlerts(context), ...serviceAlerts(context), ...ownAlerts(context)];
}

/**
 * Prometheus' rule file. JSON, which is YAML too.
 * @param labels put on every alert, for example estate and stack.
 */
export function ruleFile(context: AlertContext, labels: Readonly<Record<string, string>>): string {
  const rules = alertsOf(context).map(({ name, requirement, expr, forSeconds, severity, level, summary, action }) => ({
    alert: name,
    expr,
    for: `${Math.round(forSeconds * context.timeScale * 1000)}ms`,
    labels: { ...labels, severity, level: String(level) },
    annotations: { summary, action, requirement, runbook: `docs/runbooks/${name}.md` },
  }));
  return `${JSON.stringify({ groups: [{ name: "mcp-estate", rules }] }, null, 2)}\n`;
}
