import path from "node:path";
import { CONTAINER, objectsOf, type Inputs } from "../resource.ts";
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
  check({ inputs }) {
    const sources = [...objectsOf(inputs["volumes"]).map(hostPathOf), ...objectsOf(inputs["mounts"]).map(bindSourceOf)];
    return sources.filter((source) => source !== undefined).flatMap(judge);
  },
};

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
