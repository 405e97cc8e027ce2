import * as z from "zod";
import { limitsSchema } from "./limits.ts";

/** What the monitor page's server reads from its contract file, at start. */
export const monitorContractSchema = z.strictObject({
  version: z.literal(1),
  estate: z.string(),
  stack: z.string(),
  limits: limitsSchema,
  /** Base URLs inside of the estate. */
  gatewayUrl: z.url(),
  prometheusUrl: z.url(),
  alertmanagerUrl: z.url(),
  /** Absent where nobody collects logs. */
  collectorUrl: z.url().optional(),
});
export type MonitorContract = z.infer<typeof monitorContractSchema>;

/** Where the page lies on the server, and its files in the image. */
export const MONITOR_PATH = "/monitor";
export const MONITOR_PAGE_DIR = "/opt/mcp-estate/page";
