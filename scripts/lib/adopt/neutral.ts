/** What `docker run` sets by itself, so that nobody misses it in a container that is made anew. */

/** Parts of Docker's answer that the entry holds, or that say nothing of the container. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set([
  "AutoRemove",
  "Binds",
  "CapAdd",
  "CapDrop",
  "CgroupnsMode",
  "ConsoleSize",
  "ContainerIDFile",
  "CpuPeriod",
  "CpuQuota",
  "ExtraHosts",
  "Init",
  "LogConfig",
  "MaskedPaths",
  "Memory",
  "MemoryReservation",
  "MemorySwap",
  "Mounts",
  "NanoCpus",
  "NetworkMode",
  "PidsLimit",
  "PortBindings",
  "PublishAllPorts",
  "ReadonlyPaths",
  "ReadonlyRootfs",
  "RestartPolicy",
  "SecurityOpt",
  "ShmSize",
  "Tmpfs",
  "Ulimits",
  "VolumesFrom",
]);

const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  IpcMode: ["private", "shareable"],
  Isolation: ["default"],
  MemorySwappiness: [-1],
  Runtime: ["runc", "io.containerd.runc.v2"],
  VolumeDriver: ["local"],
};

/**
 * Of Docker's host configuration whatever is set and is not in an entry of a service: `Devices: [{"PathOnHost":…}]`.
 * A part that a later Docker adds is named as well, as nobody here knows what it does.
 */
export function foreignHostSettings(host: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(host)
    .filter(([key, value]) => !TOLD_ELSEWHERE.has(key) && !isEmpty(value) && !NEUTRAL[key]?.includes(value))
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`);
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === undefined || value === "" || value === 0 || value === false;
}

/** Folders in which a program leaves what it makes again at its next start. */
const FLEETING = /^\/(tmp|run|var\/run|var\/tmp|var\/lock|dev|proc|sys)(\/|$)/;

/**
 * Files that a container has written into its own layer, which goes with it.
 * @param changes Docker's list; a changed folder stands there beside what was changed in it.
 * @param mountPoints in a layer they are empty folders.
 */
export function ownFiles(changes: readonly string[], mountPoints: readonly string[]): string[] {
  const paths = [...changes].sort();
  const isFolder = (path: string) =>
    paths.some((other) => other.startsWith(`${path}/`)) ||
    mountPoints.some((point) => `${point}/`.startsWith(`${path}/`));
  return paths.filter((path) => !FLEETING.test(path) && !isFolder(path));
}
