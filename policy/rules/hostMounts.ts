import path from "node:path";
import { CONTAINER, GUARD, DOCKER_FILTER, objectsOf, type Inputs } from "../resource.ts";
import type { Finding, ResourceRule } from "../rule.ts";

const SOCKETS = ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"];
/** Who writes there has the host; who reads there has its secrets. */
const HOST_FOLDERS = ["/boot", "/dev", "/etc", "/proc", "/root", "/sys", "/var/lib/docker"];

/** R-SEC-07. */
export const hostMounts: ResourceRule = {
  name: "no-host-mounts",
  description: "No container sees Docker's socket or the host's own folders.",
  severity: "mandatory",
  types: [CONTAINER],
  check({ inputs, within }) {
    const volumes = objectsOf(inputs["volumes"]).filter((volume) => !isOfGuard(volume, within));
    const sources = [...volumes.map(hostPathOf), ...objectsOf(inputs["mounts"]).map(bindSourceOf)];
    return sources.filter((source) => source !== undefined).flatMap(judge);
  },
};

/** The two whose work it is (docs/adr/0023-guard.md): one looks at the host's tables, the other alone asks Docker. */
function isOfGuard({ hostPath, readOnly }: Inputs, within: readonly string[]): boolean {
  if (typeof hostPath !== "string" || readOnly !== true) return false;
  if (within.at(-1) === GUARD) return hostPath === "/proc" || /^\/sys\/fs\/cgroup(\/\w+)?$/.test(hostPath);
  return within.at(-1) === DOCKER_FILTER && SOCKETS.includes(hostPath);
}

function hostPathOf({ hostPath }: Inputs): string | undefined {
  return typeof hostPath === "string" && hostPath !== "" ? path.posix.normalize(hostPath) : undefined;
}

function bindSourceOf({ type, source }: Inputs): string | undefined {
  return type === "bind" && typeof source === "string" ? path.posix.normalize(source) : undefined;
}

function judge(source: string): Finding[] {
  const socket = SOCKETS.find((each) => isWithin(each, source));
  if (socket !== undefined) {
    return [
      {
        why: source === socket ? `${source} is mounted` : `${source} is mounted, and ${socket} with it`,
        todo: "take the mount out; what must see Docker goes through a filtered, read-only proxy of its own",
      },
    ];
  }
  const folder = HOST_FOLDERS.find((each) => isWithin(source, each));
  if (folder === undefined) return [];
  return [
    { why: `${source} of the host is mounted`, todo: "mount a volume, or a folder made for this container alone" },
  ];
}

function isWithin(inner: string, outer: string): boolean {
  const relative = path.posix.relative(outer, inner);
  return relative === "" || (!relative.startsWith("..") && !path.posix.isAbsolute(relative));
}
