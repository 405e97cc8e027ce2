import { z } from "zod";

/** A host name, in the swarm and at Lambda. */
const hostNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, "1 to 31 of a-z, 0-9 and '-', beginning with a letter");

const machineSchema = z.strictObject({
  /** Types in order of preference. @default those of all machines */
  types: z.array(z.string().min(1)).min(1).optional(),
  /** Labels that it has in the swarm. `type` is gpu or cpu unless given. */
  labels: z.record(z.string().min(1), z.string()).default({}),
});

/** Machines that a stack launches at Lambda Labs, for a swarm of its own. */
export const lambdaHostsSchema = z.strictObject({
  /** File with the key of Lambda's API, alone; absolute. */
  tokenFile: z.string().regex(/^\//, "an absolute path"),
  baseUrl: z.url().default("https://cloud.lambda.ai"),
  /** In order of preference; all machines are in one, that of the first. */
  regions: z.array(z.string().min(1)).min(1),
  /** In order of preference. */
  types: z.array(z.string().min(1)).min(1),
  /** US dollars for each machine; a dearer type fails the preview. */
  maxHourlyPrice: z.number().positive(),
  /** Account on the machines; may sudo. */
  user: z.string().min(1).default("ubuntu"),
  /** Where their ssh servers listen. */
  sshPort: z.int().min(1).max(65535).default(22),
  imageFamily: z.string().min(1).optional(),
  /** Port of the gateway, which the firewall lets in. @default 11000 */
  gatewayPort: z.int().min(1).max(65535).default(11000),
  /** Name → what it may be. */
  machines: z
    .record(hostNameSchema, machineSchema)
    .refine((machines) => Object.keys(machines).length > 0, "at least one machine"),
  /** Which of them is the swarm's manager. @default the first by name */
  manager: hostNameSchema.optional(),
});

export type LambdaHostsConfig = z.infer<typeof lambdaHostsSchema>;
