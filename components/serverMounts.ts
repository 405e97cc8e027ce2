import { existsSync } from "node:fs";
import { posix } from "node:path";
import type { z } from "zod";
import { SECRETS_DIR } from "../runtime/contract/index.ts";
import type { ServerConfig } from "./serverConfig.ts";
import { isForeign } from "./serverProgram.ts";
import { DOCKER_SOCKETS, hostPathSchema } from "./serviceConfig.ts";

/** Files and folders of the host that a server sees; none holds Docker's socket. */
export const serverHostPathSchema = hostPathSchema.refine(
  ({ hostPath }) => ![...DOCKER_SOCKETS].some((socket) => isWithin(socket, hostPath)),
  "no container gets the Docker socket, nor a folder that holds it: whoever has it has the host (R-SEC-07)",
);

export type ServerHostPath = z.infer<typeof serverHostPathSchema>;

/** What of a server's image is no mount and is there all the same. */
const OF_THE_IMAGE = [
  "/app",
  "/bin",
  "/dev",
  "/etc",
  "/lib",
  "/opt/mcp-estate",
  "/proc",
  "/sbin",
  "/sys",
  "/tmp",
  "/usr",
];

/** One line for each two things at one place in the container. @param key of the server in the settings */
export function mountFaults(
  hostPaths: readonly ServerHostPath[],
  volumes: ReadonlyArray<{ name: string; path: string }>,
  key: string,
): string[] {
  const taken = new Map([
    [SECRETS_DIR, "its secrets"],
    ["/tmp", "its scratch space"],
    ...volumes.map(({ name, path }) => [path, `the volume ${name}`] as const),
  ]);
  return hostPaths.flatMap(({ hostPath, path }) => {
    const other = taken.get(path);
    taken.set(path, hostPath);
    return other ? [`${key}.hostPaths: ${hostPath} is to be at ${path}, where ${other} is; give another path`] : [];
  });
}

/**
 * What of the host the servers are told and do not have, one line each: a source that is not there, and a path of the host in
 * arguments or environment that is no mount. Only of a Docker on this machine can it be known.
 */
export function hostFaults(servers: readonly ServerConfig[], namespace = "mcp-estate"): string[] {
  return servers.flatMap((server) => {
    const { name, hostPaths, entry } = server;
    const key = `${namespace}:servers.${name}`;
    const mounted = [...hostPaths, ...(entry.volumes ?? [])].map(({ path }) => path);
    const missing = hostPaths
      .filter(({ hostPath }) => !existsSync(hostPath))
      .map(
        ({ hostPath }) =>
          `${key}.hostPaths: there is no ${hostPath} on this host; Docker would make an empty folder of it`,
      );
    return [...missing, ...(isForeign(entry.package) ? [] : unmounted(server, mounted, key))];
  });
}

function unmounted({ args, env }: ServerConfig, mounted: readonly string[], key: string): string[] {
  const told = [
    ...args.map((value) => ({ where: "args", value })),
    ...Object.entries(env).map(([variable, value]) => ({ where: `env.${variable}`, value })),
  ];
  return told
    .map(({ where, value }) => ({ where, path: /^(?:--?[\w-]+=)?(\/[^\s:]+)$/.exec(value)?.[1] }))
    .filter(
      ({ path }) =>
        path !== undefined && ![...mounted, ...OF_THE_IMAGE].some((each) => isWithin(path, each)) && existsSync(path),
    )
    .map(
      ({ where, path }) =>
        `${key}.${where}: names ${path}, which this host has and its container has not; hostPaths: [{ hostPath: ${path}, path: ${path} }] mounts it`,
    );
}

function isWithin(path: string, folder: string): boolean {
  const relative = posix.relative(folder, path);
  return relative === "" || (!relative.startsWith("..") && !posix.isAbsolute(relative));
}
