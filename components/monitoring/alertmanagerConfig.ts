import { SECRETS_DIR } from "../../runtime/contract/index.ts";
import { TEMPLATES_NAME } from "./messageTemplates.ts";
import { WATCHDOG } from "./ownAlerts.ts";
import type { ReceiverConfig } from "./monitoringConfig.ts";

export interface AlertmanagerConfigArgs {
  receivers: readonly ReceiverConfig[];
  /** See AlertContext. */
  timeScale: number;
}

/** Of alerts that come together: one message. */
const GROUP_WAIT_SECONDS = 30;
const GROUP_INTERVAL_SECONDS = 300;
/** While nobody has mended it, it is told again. */
const REPEAT_SECONDS = 4 * 3600;
/** The sign of life. */
const WATCHDOG_REPEAT_SECONDS = 300;
/** Shows in Alertmanager, and nobody is told. */
const NOBODY = "nobody";

/**
 * Alertmanager's configuration. JSON, which is YAML too. One message for each kind of alert: a host that breaks is not one for
 * each of its servers.
 */
export function alertmanagerConfig({ receivers, timeScale }: AlertmanagerConfigArgs): string {
  const scaled = (seconds: number): string => `${Math.max(100, Math.round(seconds * timeScale * 1000))}ms`;
  const routes = receivers.map(({ name, fromLevel }) => ({
    receiver: name,
    matchers: [`level=~"[${fromLevel}-4]"`, `alertname!="${WATCHDOG}"`],
    continue: true,
  }));
  const signsOfLife = receivers
    .filter(({ watchdog }) => watchdog)
    .map(({ name }) => ({
      receiver: name,
      matchers: [`alertname="${WATCHDOG}"`],
      repeat_interval: scaled(WATCHDOG_REPEAT_SECONDS),
      continue: true,
    }));
  const config = {
    templates: [`${SECRETS_DIR}/${TEMPLATES_NAME}`],
    route: {
      receiver: NOBODY,
      group_by: ["alertname", "level"],
      group_wait: scaled(GROUP_WAIT_SECONDS),
      group_interval: scaled(GROUP_INTERVAL_SECONDS),
      repeat_interval: scaled(REPEAT_SECONDS),
      routes: [...signsOfLife, ...routes],
    },
    // Nothing can be known of the servers then.
    inhibit_rules: [
      {
        source_matchers: ['alertname="GatewayUnreachable"'],
        target_matchers: ['alertname=~"ScrapeFailing|ServersMissing|FunctionalFailure"'],
      },
    ],
    receivers: [{ name: NOBODY }, ...receivers.map(toReceiver)],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function toReceiver({ name, webhookUrl, chatUrl, email }: ReceiverConfig): object {
  const common = { send_resolved: true };
  const subject = '{{ template "mcp.subject" . }}';
  const text = '{{ template "mcp.text" . }}';
  return {
    name,
    ...(webhookUrl ? { webhook_configs: [{ ...common, url: webhookUrl }] } : {}),
    ...(chatUrl ? { slack_configs: [{ ...common, api_url: chatUrl, title: subject, text, title_link: "" }] } : {}),
    ...(email
      ? { email_configs: [{ ...common, ...toEmail(email), headers: { Subject: subject }, html: "", text }] }
      : {}),
  };
}

function toEmail({ to, from, server, username, password, tls }: NonNullable<ReceiverConfig["email"]>): object {
  return {
    to,
    from,
    smarthost: server,
    require_tls: tls,
    ...(username ? { auth_username: username } : {}),
    ...(password ? { auth_password: password } : {}),
  };
}
