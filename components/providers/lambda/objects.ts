/** What Lambda's public API tells, as its OpenAPI document 1.10.0 has it; what nobody here asks for is left out. */
import { z } from "zod";

export const INSTANCE_STATUSES = ["booting", "active", "unhealthy", "terminated", "terminating", "preempted"] as const;

/** Of an instance that costs nothing any more, or will soon. */
export const GONE: ReadonlySet<string> = new Set(["terminated", "terminating", "preempted"]);

const tagSchema = z.object({ key: z.string(), value: z.string() });

const specsSchema = z.object({ vcpus: z.int(), memory_gib: z.int(), storage_gib: z.int(), gpus: z.int() });

export const instanceTypeSchema = z.object({
  name: z.string(),
  description: z.string(),
  gpu_description: z.string(),
  /** Of the whole instance. */
  price_cents_per_hour: z.int(),
  specs: specsSchema,
});

const regionSchema = z.object({ name: z.string(), description: z.string() });

/** Name of the type → what it is, and where it was to be had a moment ago: a launch may be refused all the same. */
export const instanceTypesSchema = z.record(
  z.string(),
  z.object({ instance_type: instanceTypeSchema, regions_with_capacity_available: z.array(regionSchema) }),
);
export type InstanceTypes = z.infer<typeof instanceTypesSchema>;

export const regionsSchema = z.array(regionSchema);

export const instanceSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  /** Not there until late in boot. */
  ip: z.string().optional(),
  /** May be missing altogether. */
  private_ip: z.string().optional(),
  status: z.enum(INSTANCE_STATUSES),
  ssh_key_names: z.array(z.string()),
  file_system_names: z.array(z.string()).default([]),
  region: regionSchema,
  instance_type: instanceTypeSchema,
  hostname: z.string().optional(),
  tags: z.array(tagSchema).default([]),
});
export type Instance = z.infer<typeof instanceSchema>;

export const instancesSchema = z.array(instanceSchema);
export const launchedSchema = z.object({ instance_ids: z.array(z.string()).min(1) });
export const terminatedSchema = z.object({ terminated_instances: instancesSchema });

export const sshKeySchema = z.object({ id: z.string(), name: z.string(), public_key: z.string() });
export const sshKeysSchema = z.array(sshKeySchema);

export const filesystemSchema = z.object({
  id: z.string(),
  name: z.string(),
  mount_point: z.string(),
  is_in_use: z.boolean(),
  region: regionSchema,
});
export const filesystemsSchema = z.array(filesystemSchema);

export const firewallRuleSchema = z.object({
  protocol: z.enum(["tcp", "udp", "icmp", "all"]),
  /** First and last; every protocol but icmp has one. */
  port_range: z.tuple([z.int(), z.int()]).optional(),
  /** IPv4 block in CIDR notation. */
  source_network: z.string(),
  description: z.string(),
});
export type FirewallRule = z.infer<typeof firewallRuleSchema>;

export const firewallRulesSchema = z.array(firewallRuleSchema);

export const firewallRulesetSchema = z.object({
  id: z.string(),
  name: z.string(),
  region: regionSchema.optional(),
  rules: firewallRulesSchema,
  instance_ids: z.array(z.string()).default([]),
});
export const firewallRulesetsSchema = z.array(firewallRulesetSchema);

/** What a launch asks for. One instance each: the API takes no more. */
export interface LaunchRequest {
  region_name: string;
  instance_type_name: string;
  /** Exactly one, which is registered. */
  ssh_key_names: [string];
  name: string;
  hostname?: string;
  tags: Array<{ key: string; value: string }>;
  image?: { id: string } | { family: string };
  user_data?: string;
  file_system_names?: string[];
  firewall_rulesets?: Array<{ id: string }>;
}
