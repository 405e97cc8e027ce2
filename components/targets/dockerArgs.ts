import type * as docker from "@pulumi/docker";
import type { Limits } from "../../runtime/contract/index.ts";
import type { ServiceSpec } from "./target.ts";

/** Bounded, or a restart loop fills the disk (R-VOL-11). */
export const LOGGING = { logDriver: "json-file", logOpts: { "max-size": "10m", "max-file": "3" } };

/** All limits that the docker provider has; ProcessLimit sets the rest. */
export function limitArgs({ memoryMiB, memoryReservationMiB, cpus, nofile, nproc }: Limits) {
  return {
    memory: memoryMiB,
    memorySwap: memoryMiB,
    memoryReservation: memoryReservationMiB,
    cpus: String(cpus),
    ulimits: [
      { name: "nofile", soft: nofile.soft, hard: nofile.hard },
      { name: "nproc", soft: nproc, hard: nproc },
    ],
  } satisfies Partial<docker.ContainerArgs>;
}

/** `NAME=value` of each, as Docker takes them. */
export function envList(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/** A service's container without its secret environment; what is left out is the image's own, or Docker's. */
export function serviceArgs(spec: ServiceSpec, name: string, labels: Label[]): docker.ContainerArgs {
  const { entrypoint, command, workingDir, user, hostname, shmMiB, healthcheck: check } = spec;
  return {
    ...given({ entrypoints: entrypoint, command, workingDir, user, hostname, shmSize: shmMiB }),
    name,
    image: spec.image,
    // ProcessLimit starts it, with all limits in force.
    start: false,
    mustRun: false,
    restart: spec.restart,
    stopTimeout: spec.stopSeconds,
    destroyGraceSeconds: spec.stopSeconds,
    // Data volumes have names of their own. Should one lack it, it holds data all the same.
    removeVolumes: false,
    ...limitArgs(spec.limits),
    envs: envList(spec.env),
    init: spec.init,
    readOnly: spec.readOnly,
    capabilities: { adds: spec.capabilities.add, drops: spec.capabilities.drop },
    securityOpts: spec.noNewPrivileges ? ["no-new-privileges"] : [],
    tmpfs: spec.tmpfs,
    hosts: Object.entries(spec.hosts).map(([host, ip]) => ({ host, ip })),
    networksAdvanced: spec.networks.map(({ network, aliases, address }) => ({
      name: network,
      aliases: [...aliases],
      ...given({ ipv4Address: address }),
    })),
    ports: spec.ports.map(({ containerPort, hostPort, bind, protocol }) => ({
      internal: containerPort,
      external: hostPort,
      ip: bind,
      protocol,
    })),
    volumes: [
      ...spec.mounts.map(({ volume, path, readOnly }) => ({ volumeName: volume, containerPath: path, readOnly })),
      ...spec.hostPaths.map(({ hostPath, path, readOnly }) => ({ hostPath, containerPath: path, readOnly })),
    ],
    ...(check
      ? {
          healthcheck: {
            tests: check.test,
            interval: duration(check.intervalSeconds),
            timeout: duration(check.timeoutSeconds),
            startPeriod: duration(check.startSeconds),
            retries: check.failures,
          },
        }
      : {}),
    ...LOGGING,
    labels: [...labels, ...Object.entries(spec.labels).map(([label, value]) => ({ label, value }))],
  };
}

type Label = { label: string; value: string };

/** Without what is undefined: an input that is there with no value is another one than none. */
function given<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

/** Seconds as Docker writes them back: 90 is `1m30s`, and any other spelling would show as drift. */
export function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds - minutes * 60;
  if (rest !== 0 && rest < 1 && minutes === 0) return `${Math.round(rest * 1000)}ms`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}
