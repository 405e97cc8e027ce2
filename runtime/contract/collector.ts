import * as z from "zod";
import { limitsSchema } from "./limits.ts";

/** What the collector reads from its contract file, at start. */
export const collectorContractSchema = z.strictObject({
  version: z.literal(1),
  estate: z.string(),
  stack: z.string(),
  limits: limitsSchema,
  /** Seconds between two canary lines. */
  canarySeconds: z.number().positive(),
  /** Where lines go, by Loki's push protocol; absent: nowhere, they are read on demand alone. */
  loki: z
    .strictObject({
      /** Base URL; its name and password, where it has any, are the secret file LOKI_LOGIN. */
      url: z.url(),
      /** Of a store with several tenants. */
      tenant: z.string().optional(),
      login: z.boolean(),
    })
    .optional(),
  /** Where traces go, by OTLP over HTTP; absent: nowhere. */
  traces: z
    .strictObject({
      /** Base URL; headers that it wants are the secret file OTLP_HEADERS. */
      url: z.url(),
    })
    .optional(),
});
export type CollectorContract = z.infer<typeof collectorContractSchema>;

/** Secret files: `NAME:PASSWORD`, and a JSON object of headers. */
export const COLLECTOR_SECRETS = { lokiLogin: "loki-login", otlpHeaders: "otlp-headers.json" } as const;
/** Where it keeps how far it has come. */
export const COLLECTOR_DATA_DIR = "/data";
