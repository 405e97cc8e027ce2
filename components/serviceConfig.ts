import { z } from "zod";
import { limitsSchema, serverNameSchema } from "../runtime/contract/index.ts";
import { isSubnet, overlaps } from "./subnets.ts";

/** A path in the container. */
const containerPath = z.string().regex(/^\/./, "an absolute path, for example /data");
/** What Docker takes for a name of a container, a network or a volume. */
const dockerName = z.string().regex(/^[a-zA-Z0-9][\w.-]*$/, "letters, digits, '_', '.' and '-', no sign in front");
/** Ours say whose an object is. */
const labelName = z.string().refine((name) => !name.startsWith("mcp-estate."), "labels of mcp-estate. are its own");
/** A value that stands encrypted in the stack file: `pulumi config set --secret --path KEY`. */
export const secretTextSchema = z.string();

export const DOCKER_SOCKETS: ReadonlySet<string> = new Set(["/var/run/docker.sock", "/run/docker.sock"]);
const DEFAULT_STOP_SECONDS = 10;

const portSchema = z.strictObject({
  containerPort: z.int().min(1).max(65535),
  hostPort: z.int().min(1).max(65535),
  /** Address of the host. */
  bind: z.ipv4().default("127.0.0.1"),
  protocol: z.enum(["tcp", "udp"]).default("tcp"),
});

const volumeSchema = z.strictObject({
  path: containerPath,
  readOnly: z.boolean().default(false),
  /** Its name in Docker, where it has one already. @default ESTATE-STACK-SERVICE-VOLUME */
  dockerName: dockerName.optional(),
});

export const hostPathSchema = z.strictObject({
  hostPath: containerPath.refine(
    (path) => !DOCKER_SOCKETS.has(path),
    "no container gets the Docker socket: whoever has it has the host (R-SEC-07)",
  ),
  path: containerPath,
  readOnly: z.boolean().default(true),
});

const healthcheckSchema = z.strictObject({
  /** Docker's own form: `[CMD, program, …]`, `[CMD-SHELL, line]` or `[NONE]`. */
  test: z.array(z.string()).min(1),
  intervalSeconds: z.number().positive().default(30),
  timeoutSeconds: z.number().positive().default(30),
  startSeconds: z.number().min(0).default(0),
  failures: z.int().min(1).default(3),
});

const attachmentSchema = z.strictObject({
  /** Further names under which others on that network find it. */
  aliases: z.array(z.string().min(1)).default([]),
  /** Fixed IPv4 address. @default Docker chooses one */
  address: z.ipv4().optional(),
});

/** One container that is no MCP server, with everything that makes it safe. */
export const serviceSettingsSchema = z.strictObject({
  /** Image reference, for example `postgres:16.4`; pulled where the host has none. */
  image: z.string().min(1),
  /** false: declared, and not made; what it has made before is taken away, its data volumes but. */
  enabled: z.boolean().default(true),
  /** All of them: a service without limits is refused. */
  limits: limitsSchema,
  /** Name of the container, under which others find it. @default ESTATE-STACK-SERVICE */
  dockerName: dockerName.optional(),
  /** In place of the image's own. */
  entrypoint: z.array(z.string()).min(1).optional(),
  /** In place of the image's own. */
  command: z.array(z.string()).optional(),
  workingDir: containerPath.optional(),
  /** `uid:gid` or names that the image knows. @default the image's own */
  user: z.string().min(1).optional(),
  hostname: z.string().min(1).optional(),
  /** Over the image's environment. Never secrets. */
  env: z.record(z.string().min(1), z.string()).default({}),
  /** Environment whose values are encrypted: for images that take a password in no other way. */
  secretEnv: z.record(z.string().min(1), secretTextSchema).default({}),
  ports: z.array(portSchema).default([]),
  /** Data that outlives the container and the stack. */
  volumes: z.record(serverNameSchema, volumeSchema).default({}),
  /** Files and folders of the host. */
  hostPaths: z.array(hostPathSchema).default([]),
  /** Memory file systems: path → Docker's options, for example `size=64m`. */
  tmpfs: z.record(containerPath, z.string()).default({}),
  /** Keys of `networks`. @default none: Docker's default bridge */
  networks: z.record(serverNameSchema, attachmentSchema).default({}),
  /** Entries for /etc/hosts: name → address. */
  hosts: z.record(z.string().min(1), z.string()).default({}),
  labels: z.record(labelName, z.string()).default({}),
  restart: z.enum(["no", "on-failure", "always", "unless-stopped"]).default("unless-stopped"),
  /** Seconds to end by itself before it is killed. */
  stopSeconds: z.int().min(0).max(600).default(DEFAULT_STOP_SECONDS),
  /** An init as process 1, which buries what the program leaves. */
  init: z.boolean().default(true),
  /** Root file system read-only. */
  readOnly: z.boolean().default(true),
  /** Capabilities by name, over and under Docker's default set. */
  capabilities: z
    .strictObject({ add: z.array(z.string()).default([]), drop: z.array(z.string()).default([]) })
    .default({ add: [], drop: ["ALL"] }),
  /** No process gains privileges by a set-uid file. */
  noNewPrivileges: z.boolean().default(true),
  /** Size of /dev/shm in MiB. @default 64, Docker's own */
  shmMiB: z.int().min(1).optional(),
  /** @default the image's own */
  healthcheck: healthcheckSchema.optional(),
});

/** A network that services join by name. */
export const sharedNetworkSchema = z.strictObject({
  /** IPv4 block in CIDR notation, outside of `network.range`. */
  subnet: z.string().refine(isSubnet, "an IPv4 block, for example 10.90.0.0/24"),
  /** The host's address on it. @default the first of the block */
  gateway: z.ipv4().optional(),
  /** No way out. */
  internal: z.boolean().default(false),
  /** Its name in Docker, where it has one already. @default ESTATE-STACK-NETWORK */
  dockerName: dockerName.optional(),
  /** Docker's driver options. */
  options: z.record(z.string(), z.string()).default({}),
});

/** A service as the program deploys it. */
export type ServiceConfig = Omit<z.infer<typeof serviceSettingsSchema>, "enabled"> & { name: string };
export type SharedNetworkConfig = z.infer<typeof sharedNetworkSchema> & { name: string };

/** What must hold between sections of the settings. */
export interface ServiceSurroundings {
  namespace: string;
  /** Names of the MCP servers and of the estate's own components. */
  taken: ReadonlySet<string>;
  networkRange: string;
  /** `PORT/PROTOCOL` of the host → who has it. */
  ports: ReadonlyMap<string, string>;
}

/** One line per fault of services and networks that are each well-formed: key, value given, what is allowed. */
export function serviceFaults(
  services: readonly ServiceConfig[],
  networks: readonly SharedNetworkConfig[],
  { namespace, taken, networkRange, ports: portsOfOthers }: ServiceSurroundings,
): string[] {
  const faults: string[] = [];
  const known = networks.map(({ name }) => name);
  const portUsers = new Map(portsOfOthers);
  for (const { name, ports, networks: joined, env, secretEnv } of services) {
    const key = `${namespace}:services.${name}`;
    if (taken.has(name)) faults.push(`${key}: "${name}" is the name of a server or of the estate's own; give another`);
    for (const network of Object.keys(joined)) {
      if (known.includes(network)) continue;
      faults.push(
        `${key}.networks.${network}: there is no network "${network}" in ${namespace}:networks; known are ${known.join(", ") || "none"}`,
      );
    }
    for (const { hostPort, protocol } of ports) {
      const user = portUsers.get(`${hostPort}/${protocol}`);
      if (user) faults.push(`${key}.ports: host port ${hostPort}/${protocol} is that of ${user}; give another`);
      portUsers.set(`${hostPort}/${protocol}`, `service ${name}`);
    }
    for (const variable of Object.keys(env).filter((each) => each in secretEnv)) {
      faults.push(`${key}.env.${variable}: given in secretEnv as well; take one of the two out`);
    }
  }
  for (const { name, subnet } of networks) {
    if (!overlaps(subnet, networkRange)) continue;
    faults.push(
      `${namespace}:networks.${name}.subnet: ${subnet} overlaps ${namespace}:network.range ${networkRange}, from which the servers' networks are taken; give a block outside of it`,
    );
  }
  return faults;
}
