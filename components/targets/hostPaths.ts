import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { HostPath, WorkloadSpec } from "./target.ts";

const CGROUPS = "/sys/fs/cgroup";
const CONTROLLERS = ["pids", "memory", "cpu", "cpuacct"] as const;

/**
 * A host's control groups, to be read. Of version 1 each controller by itself: below a folder mounted as a whole they could be
 * written.
 */
export function controlGroupPaths(version: "1" | "2", path: string): HostPath[] {
  if (version === "2") return [{ hostPath: CGROUPS, path, readOnly: true }];
  return CONTROLLERS.map((name) => ({ hostPath: `${CGROUPS}/${name}`, path: `${path}/${name}`, readOnly: true }));
}

/** As they are, where there is nothing of the host: what is not known yet is then only the names of volumes. */
export function withHostPaths(
  volumes: Array<{ volumeName: pulumi.Input<string>; containerPath: string }>,
  hostPaths: WorkloadSpec["hostPaths"],
): docker.ContainerArgs["volumes"] {
  if (Array.isArray(hostPaths) && hostPaths.length === 0) return volumes;
  return pulumi
    .all([volumes, hostPaths])
    .apply(([named, ofHost]) => [
      ...named,
      ...ofHost.map(({ hostPath, path, readOnly }) => ({ hostPath, containerPath: path, readOnly })),
    ]);
}
