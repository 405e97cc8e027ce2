import type { Alert, AlertContext } from "./alert.ts";
import { annotationsAbout } from "./annotations.ts";
import { guardAlerts } from "./guardAlerts.ts";
import { ownAlerts } from "./ownAlerts.ts";
import { resourceAlerts } from "./resourceAlerts.ts";
import { serviceAlerts } from "./serviceAlerts.ts";

/** Every alert of an estate. */
export function alertsOf(context: AlertContext): Alert[] {
  return [...resourceAlerts(context), ...guardAlerts(context), ...serviceAlerts(context), ...ownAlerts(context)];
}

/** What nobody has silenced by then climbs (R-LVL-05). */
const CLIMBS_AFTER_SECONDS = 1800;
const HIGHEST = 4;

/**
 * Prometheus' rule file. JSON, which is YAML too. Beside each alert of level 2 and 3 stands a second one of the same name, which
 * waits longer and is a level higher: a silence for the first holds for it too, as for everything with that name.
 * @param labels put on every alert, for example estate and stack.
 */
export function ruleFile(context: AlertContext, labels: Readonly<Record<string, string>>): string {
  const rules = alertsOf(context).flatMap((alert) => {
    const { forSeconds, level } = alert;
    const first = rule(alert, context, labels);
    if (level === 1 || level === HIGHEST) return [first];
    const climbed = { ...alert, forSeconds: forSeconds + CLIMBS_AFTER_SECONDS, level: (level + 1) as Alert["level"] };
    return [first, rule(climbed, context, { ...labels, climbed_from: String(level) })];
  });
  return `${JSON.stringify({ groups: [{ name: "mcp-estate", rules }] }, null, 2)}\n`;
}

function rule(alert: Alert, context: AlertContext, labels: Readonly<Record<string, string>>): object {
  const { name, requirement, expr, forSeconds, severity, level, summary, action, subject } = alert;
  return {
    alert: name,
    expr,
    for: `${Math.round(forSeconds * context.timeScale * 1000)}ms`,
    labels: { ...labels, severity, level: String(level) },
    annotations: {
      ...{ summary, action, requirement, runbook: `docs/runbooks/${name}.md` },
      ...(subject ? annotationsAbout(subject) : {}),
    },
  };
}
