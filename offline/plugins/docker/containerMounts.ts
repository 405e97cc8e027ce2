import { labelMap } from "./properties.ts";
import { withoutUndefined } from "./units.ts";

/** One entry of `volumes`. */
export interface VolumeMount {
  containerPath?: string;
  hostPath?: string;
  volumeName?: string;
  fromContainer?: string;
  readOnly?: boolean;
  selinuxRelabel?: string;
}

/** One entry of `mounts`. */
export interface Mount {
  type: string;
  target: string;
  source?: string;
  readOnly?: boolean;
  bindOptions?: { propagation?: string };
  tmpfsOptions?: { mode?: number; sizeBytes?: number };
  volumeOptions?: {
    noCopy?: boolean;
    driverName?: string;
    driverOptions?: Record<string, string>;
    labels?: unknown;
    subpath?: string;
  };
}

/** Named volumes and folders of the host, as Docker's `Binds`. */
export function binds(volumes: VolumeMount[]): string[] {
  return volumes
    .filter(({ hostPath, volumeName, containerPath }) => (hostPath || volumeName) && containerPath)
    .map(({ hostPath, volumeName, containerPath, readOnly, selinuxRelabel }) => {
      const mode = [readOnly ? "ro" : "rw", ...(selinuxRelabel ? [selinuxRelabel] : [])].join(",");
      return `${hostPath || volumeName}:${containerPath}:${mode}`;
    });
}

/** Volumes that have a place in the container and no name. */
export function anonymousVolumes(volumes: VolumeMount[]): Record<string, object> {
  const anonymous = volumes.filter(
    ({ hostPath, volumeName, fromContainer, containerPath }) =>
      containerPath && !hostPath && !volumeName && !fromContainer,
  );
  return Object.fromEntries(anonymous.map(({ containerPath }) => [containerPath, {}])) as Record<string, object>;
}

/** One mount in Docker's form. */
export function mount({
  type,
  target,
  source,
  readOnly,
  bindOptions,
  tmpfsOptions,
  volumeOptions,
}: Mount): Record<string, unknown> {
  const driver =
    volumeOptions?.driverName || volumeOptions?.driverOptions
      ? { Name: volumeOptions.driverName, Options: volumeOptions.driverOptions }
      : undefined;
  return withoutUndefined({
    Type: type,
    Target: target,
    Source: source,
    ReadOnly: readOnly,
    BindOptions: bindOptions && { Propagation: bindOptions.propagation },
    TmpfsOptions: tmpfsOptions && { SizeBytes: tmpfsOptions.sizeBytes, Mode: tmpfsOptions.mode },
    VolumeOptions: volumeOptions && {
      NoCopy: volumeOptions.noCopy,
      Labels: labelMap(volumeOptions.labels),
      DriverConfig: driver,
      Subpath: volumeOptions.subpath || undefined,
    },
  });
}
