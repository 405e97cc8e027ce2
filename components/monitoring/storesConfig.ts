import { z } from "zod";
import { secretTextSchema } from "../serviceConfig.ts";

const portSchema = z.int().min(1).max(65535);
const image = (reference: string) => z.string().min(1).default(reference);

/** Programs that Debian does not have: images of others', which a registry must give or somebody has loaded. */
export const storesSchema = z.strictObject({
  /** Keeps the lines that the collector brings. @default none */
  loki: z
    .strictObject({ image: image("grafana/loki:3.5.0"), retentionDays: z.int().min(1).max(3650).default(15) })
    .optional(),
  /** Keeps traces, in memory. @default none */
  jaeger: z.strictObject({ image: image("jaegertracing/jaeger:2.6.0"), port: portSchema.default(16686) }).optional(),
  /** Shows all of it on dashboards. @default none */
  grafana: z
    .strictObject({
      image: image("grafana/grafana:11.6.0"),
      port: portSchema.default(3000),
      /** Of the account admin. */
      password: secretTextSchema,
    })
    .optional(),
});

export type StoresConfig = z.infer<typeof storesSchema>;
