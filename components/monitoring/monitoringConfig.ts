import { z } from "zod";
import { serverNameSchema } from "../../runtime/contract/index.ts";
import { secretTextSchema } from "../serviceConfig.ts";

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

/** Its components that have a network of their own. */
export const MONITORING_NETWORKS = ["alertmanager", "guard", "monitor", "prometheus"] as const;
/** Its components, whose names nobody else can have then. */
export const MONITORING_COMPONENTS: readonly string[] = [...MONITORING_NETWORKS, "guard-control"];

/**
 * One line for each fault of the settings that are each well-formed.
 * @param callers names of the principals.
 */
export function monitoringFaults(
  { target, callers, gatewayPort }: { target: "docker" | "swarm"; callers: readonly string[]; gatewayPort: number },
  { prometheusPort, alertmanagerPort, pagePort, receivers }: MonitoringConfig,
  namespace: string,
): string[] {
  const key = `${namespace}:monitoring`;
  const unreachable = receivers.filter(({ webhookUrl, chatUrl, email }) => !webhookUrl && !chatUrl && !email);
  const ports = [gatewayPort, prometheusPort, alertmanagerPort, pagePort];
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
    ...(new Set(ports).size < ports.length
      ? [`${key}: ports ${ports.join(", ")} of gateway, Prometheus, Alertmanager and page; each needs one of its own`]
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
