import { z } from "zod";
import { serverNameSchema, type Limits } from "../../runtime/contract/index.ts";
import { monitorLimits } from "../limitClasses.ts";
import { secretTextSchema } from "../serviceConfig.ts";
import { storesSchema } from "./storesConfig.ts";

const portSchema = z.int().min(1).max(65535);

const secretUrlSchema = secretTextSchema.refine((text) => URL.canParse(text), "a URL");

const emailSchema = z.strictObject({
  to: z.email(),
  from: z.email(),
  /** HOST:PORT of the mail server. */
  server: z.string().regex(/^[\w.-]+:\d+$/, "HOST:PORT, for example mail.example.org:587"),
  username: z.string().optional(),
  password: secretTextSchema.optional(),
  /** Refuse a server that offers no encryption. */
  tls: z.boolean().default(true),
});

const receiverSchema = z.strictObject({
  /** Where Alertmanager posts its messages; secret, as most such addresses are. */
  webhookUrl: secretUrlSchema.optional(),
  /** Incoming webhook of a chat, in the form that Slack, Mattermost and Rocket.Chat take. */
  chatUrl: secretUrlSchema.optional(),
  email: emailSchema.optional(),
  /** Lowest level that it is told: 1 all, 2 operations, 3 engineering, 4 emergencies. */
  fromLevel: z.int().min(1).max(4).default(2),
  /** Gets the sign of life as well: an alert that never ends. */
  watchdog: z.boolean().default(false),
});

const collectorSchema = z.strictObject({
  /** Seconds between two canary lines, which prove that the way is open. */
  canarySeconds: z.number().min(1).max(300).default(15),
  /** Where all lines go, by Loki's push protocol. @default the stack's own Loki, where it has one; else nowhere */
  loki: z
    .strictObject({
      /** Base URL, for example https://logs.example.org. */
      url: z.url(),
      /** Of a store with several tenants. */
      tenant: z.string().min(1).optional(),
      /** NAME:PASSWORD. It writes lines, and reads the canary. */
      login: secretTextSchema.optional(),
    })
    .optional(),
  /** Where the gateway's traces go, by OTLP over HTTP. @default the stack's own Jaeger, where it has one; else nowhere */
  traces: z
    .strictObject({
      /** Base URL, for example https://otlp.example.org. */
      url: z.url().optional(),
      /** With every batch. */
      headers: z.record(z.string().min(1), secretTextSchema).default({}),
      /** Of the calls whose caller does not say whether to trace them. */
      share: z.number().min(0).max(1).default(0.1),
    })
    .optional(),
});

/** Prometheus and Alertmanager beside the estate. */
export const monitoringSchema = z.strictObject({
  /** Ports on the host's loopback. */
  prometheusPort: portSchema.default(9090),
  alertmanagerPort: portSchema.default(9093),
  /** Of the monitor page, which asks for a token. */
  pagePort: portSchema.default(3001),
  scrapeSeconds: z.int().min(1).max(60).default(15),
  /** History is dropped by whichever comes first. */
  retention: z
    .strictObject({
      days: z.int().min(1).max(3650).default(15),
      mebibytes: z.int().min(64).max(1_000_000).default(2048),
    })
    .prefault({}),
  /** Counts from outside of the containers, and restarts those that nobody inside can help. */
  guard: z
    .strictObject({
      /** Seconds between two looks. */
      intervalSeconds: z.number().min(1).max(60).default(10),
      /** false: only tell. */
      act: z.boolean().default(true),
      /** Seconds that a cause must last before a container is restarted. */
      patienceSeconds: z.number().min(2).max(3600).default(60),
      /** Restarts of one component within ten minutes. */
      maxRestarts: z.int().min(1).max(20).default(3),
    })
    .prefault({}),
  /** Takes what all containers write, and traces, to a store; shows it on the page. @default none */
  collector: collectorSchema.optional(),
  ...storesSchema.shape,
  /** All waiting times of alerts are multiplied with it: less than 1 to try them out. */
  timeScale: z.number().min(0.001).max(1).default(1),
  /** Who is told. @default nobody: alerts show in Alertmanager alone */
  receivers: z.record(serverNameSchema, receiverSchema).default({}),
});

export type ReceiverConfig = z.infer<typeof receiverSchema> & { name: string };
export type MonitoringConfig = Omit<z.infer<typeof monitoringSchema>, "receivers"> & {
  receivers: readonly ReceiverConfig[];
};

/** The caller that reads the estate's metrics and reaches no server. */
export const MONITORING_CALLER = "monitoring";

/** Its programs, whose names nobody else can have then. */
export const MONITORING_COMPONENTS: readonly string[] = [...Object.keys(monitorLimits), "loki", "jaeger", "grafana"];

/** Its components that want a network of their own. */
export function monitoringNetworks({ collector, loki, jaeger, grafana }: MonitoringConfig): string[] {
  return [
    ...["alertmanager", "guard", "monitor", "prometheus"],
    ...(collector ? ["collector"] : []),
    ...((loki ?? jaeger ?? grafana) ? ["stores"] : []),
  ];
}

/** Its own programs, with what each may use. */
export function monitoringPrograms({ collector }: MonitoringConfig): Array<{ name: string; limits: Limits }> {
  const all = Object.entries(monitorLimits).map(([name, limits]) => ({ name, limits }));
  return all.filter(({ name }) => collector !== undefined || !name.startsWith("collector"));
}

/**
 * One line for each fault of the settings that are each well-formed.
 * @param callers names of the principals.
 */
export function monitoringFaults(
  { target, callers, gatewayPort }: { target: "docker" | "swarm"; callers: readonly string[]; gatewayPort: number },
  settings: MonitoringConfig,
  namespace: string,
): string[] {
  const key = `${namespace}:monitoring`;
  const { prometheusPort, alertmanagerPort, pagePort, receivers, collector, loki, jaeger, grafana } = settings;
  const unreachable = receivers.filter(({ webhookUrl, chatUrl, email }) => !webhookUrl && !chatUrl && !email);
  const ports = [gatewayPort, prometheusPort, alertmanagerPort, pagePort, ...(grafana ? [grafana.port] : [])];
  return [
    ...(target === "swarm" ? [`${key}: given; target swarm runs no monitoring yet`] : []),
    ...(callers.includes(MONITORING_CALLER)
      ? [
          `${namespace}:gateway.principals: "${MONITORING_CALLER}" is the caller that reads the metrics; give another name`,
        ]
      : []),
    ...unreachable.map(
      ({ name }) => `${key}.receivers.${name}: nothing given; webhookUrl, chatUrl or email says how it is told`,
    ),
    ...(loki && !collector ? [`${key}.loki: given without collector, which alone brings lines to it`] : []),
    ...(loki && collector?.loki
      ? [`${key}.collector.loki: ${collector.loki.url} given, and the stack's own loki; lines go to one of them`]
      : []),
    ...(jaeger && !collector?.traces
      ? [`${key}.jaeger: given without collector.traces, which alone brings traces to it`]
      : []),
    ...(jaeger && collector?.traces?.url
      ? [
          `${key}.collector.traces.url: ${collector.traces.url} given, and the stack's own jaeger; traces go to one of them`,
        ]
      : []),
    ...(collector?.traces && !jaeger && !collector.traces.url
      ? [`${key}.collector.traces.url: nothing given; a URL that takes OTLP, or jaeger: {} for the stack's own`]
      : []),
    ...(new Set(ports).size < ports.length
      ? [
          `${key}: ports ${ports.join(", ")} of gateway, Prometheus, Alertmanager, page and Grafana; each needs one of its own`,
        ]
      : []),
  ];
}

export function resolveMonitoring(
  settings: z.infer<typeof monitoringSchema> | undefined,
): MonitoringConfig | undefined {
  if (settings === undefined) return undefined;
  const receivers = Object.entries(settings.receivers).map(([name, receiver]) => ({ name, ...receiver }));
  return { ...settings, receivers };
}
