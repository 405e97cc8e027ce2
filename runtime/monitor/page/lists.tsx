import type { ActionView, AlertView } from "../view.ts";
import { ago, since } from "./words.ts";

/** What fires, the loudest first, with what to do next. */
export function Alerts({ alerts }: { alerts: readonly AlertView[] }) {
  if (alerts.length === 0) return <p class="quiet">None fires.</p>;
  return (
    <ul class="plain">
      {alerts.map((alert) => (
        <li key={`${alert.name} ${alert.summary}`}>
          <strong class={Number(alert.level) >= 3 ? "bad" : "warn"}>{alert.name}</strong>{" "}
          <span class="quiet">
            level {alert.level}, for {ago(since(alert.startsAt))}
          </span>
          <div>{alert.summary}</div>
          <div class="quiet">
            Next: {alert.action} ({alert.runbook})
          </div>
        </li>
      ))}
    </ul>
  );
}

/** What guard and ladders have done within the hour. */
export function Actions({ actions }: { actions: readonly ActionView[] }) {
  if (actions.length === 0) return <p class="quiet">None within the hour.</p>;
  return (
    <ul class="plain">
      {actions.map(({ container, what, at, count }) => (
        <li key={`${container} ${what}`}>
          {container}: {what}{" "}
          <span class="quiet">{at === null ? `${count} within the hour` : `${ago(since(at))} ago`}</span>
        </li>
      ))}
    </ul>
  );
}
