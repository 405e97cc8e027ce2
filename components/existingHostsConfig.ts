import { z } from "zod";

/** What `hostname` says there. */
const hostNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/, "1 to 63 letters, digits, '.' and '-', as hostname says there");

const machineSchema = z.strictObject({
  /** Under which its ssh server is reached, and callers reach the gateway. */
  address: z.string().min(1),
  /** Under which the others of the swarm reach it. @default its address */
  privateAddress: z.string().min(1).optional(),
  /** In OpenSSH's form. @default what it shows at the first contact, which is believed and kept */
  hostKey: z
    .string()
    .regex(/^(?:ssh-|ecdsa-sha2-)\S+ \S+/, "TYPE BASE64, as in a .pub file")
    .optional(),
  /** That it has; proved by CUDA. */
  gpus: z.int().min(0).default(0),
  /** Labels that it has in the swarm. `type` is gpu or cpu unless given. */
  labels: z.record(z.string().min(1), z.string()).default({}),
});

/** Machines that are there already, made a swarm. */
export const existingHostsSchema = z.strictObject({
  /** Account on the machines; may sudo. */
  user: z.string().min(1),
  /** File with its private key, without a passphrase; absolute. */
  keyFile: z.string().regex(/^\//, "an absolute path"),
  /** Where their ssh servers listen. */
  sshPort: z.int().min(1).max(65535).default(22),
  /** Host name → how it is reached. */
  machines: z
    .record(hostNameSchema, machineSchema)
    .refine((machines) => Object.keys(machines).length > 0, "at least one machine"),
  /** Which of them is the swarm's manager. @default the first by name */
  manager: hostNameSchema.optional(),
});

export type ExistingHostsConfig = z.infer<typeof existingHostsSchema>;
