import { z } from "zod";

/** As the OpenAPI document has them: what is not named there is refused. */
export const launchSchema = z.strictObject({
  region_name: z.string(),
  instance_type_name: z.string(),
  ssh_key_names: z.array(z.string()).length(1),
  name: z.string().max(64).optional(),
  hostname: z
    .string()
    .regex(/^[a-z0-9][0-9a-z-]{0,62}$/)
    .optional(),
  image: z.union([z.strictObject({ id: z.string() }), z.strictObject({ family: z.string() })]).optional(),
  user_data: z.string().max(1_000_000).optional(),
  tags: z
    .array(
      z.strictObject({
        key: z
          .string()
          .max(55)
          .regex(/^[a-z][a-z0-9-:]+$/),
        value: z.string().max(128),
      }),
    )
    .optional(),
  file_system_names: z.array(z.string()).optional(),
  firewall_rulesets: z.array(z.strictObject({ id: z.string() })).optional(),
});

export const idsSchema = z.strictObject({ instance_ids: z.array(z.string()).min(1) });
export const keySchema = z.strictObject({ name: z.string().max(64), public_key: z.string().max(4096).optional() });
export const ruleSchema = z
  .strictObject({
    protocol: z.enum(["tcp", "udp", "icmp", "all"]),
    port_range: z.tuple([z.int(), z.int()]).optional(),
    source_network: z.string(),
    description: z.string().min(1).max(128),
  })
  .refine(({ protocol, port_range }) => (protocol === "icmp") === (port_range === undefined));

export const filesystemNameSchema = z.strictObject({
  name: z
    .string()
    .max(60)
    .regex(/^[a-zA-Z][a-zA-Z0-9-]*$/),
  region: z.string(),
});

export const rulesetSchema = z.strictObject({
  name: z.string().max(64),
  region: z.string(),
  rules: z.array(ruleSchema),
});
