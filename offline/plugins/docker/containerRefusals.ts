import { shown } from "../bridged/check.ts";
import type { CheckFailure } from "../resourceType.ts";
import type { Value, ValueMap } from "../values.ts";
import { containsUnknown, isMap, isUnknown } from "../values.ts";
import { nanoCpus, nanoseconds } from "./units.ts";

/** Inputs of a container that Docker would refuse or ignore, said at preview and by name. */
export function containerRefusals(inputs: ValueMap): CheckFailure[] {
  return [
    ...scalars(inputs),
    ...memory(inputs),
    ...healthcheck(inputs["healthcheck"]),
    ...volumes(inputs["volumes"]),
    ...uploads(inputs["uploads"]),
    ...mounts(inputs["mounts"]),
  ];
}

const RESTART = ["no", "on-failure", "always", "unless-stopped"];

function scalars(inputs: ValueMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const refuse = (property: string, allowed: string) =>
    failures.push({ property, reason: `${property} is ${shown(inputs[property])}: ${allowed}` });
  const known = (property: string) => (isUnknown(inputs[property]) ? undefined : inputs[property]);
  const restart = known("restart");
  if (typeof restart === "string" && !RESTART.includes(restart)) refuse("restart", `give one of ${RESTART.join(", ")}`);
  const cpus = known("cpus");
  if (typeof cpus === "string" && !isCpus(cpus)) refuse("cpus", 'give a decimal number of CPUs such as "0.5"');
  if (known("rm") === true && typeof restart === "string" && restart !== "no")
    refuse(
      "rm",
      `a container that is removed when it ends cannot restart, and restart is "${restart}": give one of the two`,
    );
  for (const property of [
    "cpuShares",
    "destroyGraceSeconds",
    "maxRetryCount",
    "shmSize",
    "stopTimeout",
    "waitTimeout",
  ]) {
    const value = known(property);
    if (typeof value === "number" && value < 0) refuse(property, "give 0 or more");
  }
  if (known("wait") === true && known("start") === false)
    refuse("wait", "a container that is not started cannot become healthy: leave `wait` out or set `start: true`");
  const mode = known("networkMode");
  const networks = known("networksAdvanced");
  if (
    typeof mode === "string" &&
    /^(?:host|none|container:)/.test(mode) &&
    Array.isArray(networks) &&
    networks.length > 0
  ) {
    refuse("networkMode", "it excludes networksAdvanced: leave one of the two out");
  }
  return failures;
}

function isCpus(cpus: string): boolean {
  try {
    return nanoCpus(cpus) >= 0;
  } catch {
    return false;
  }
}

/** Docker's smallest memory limit is 6 MiB (`linuxMinMemory` in moby). */
const MIN_MEMORY_MIB = 6;

function memory(inputs: ValueMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const number = (property: string) => (typeof inputs[property] === "number" ? inputs[property] : undefined);
  const [limit, swap, reservation] = [number("memory"), number("memorySwap"), number("memoryReservation")];
  const refuse = (property: string, allowed: string) =>
    failures.push({ property, reason: `${property} is ${shown(inputs[property])} MiB: ${allowed}` });
  if (limit !== undefined && limit !== 0 && limit < MIN_MEMORY_MIB)
    refuse("memory", `give at least ${MIN_MEMORY_MIB}, or 0 for no limit`);
  if (reservation !== undefined && reservation < 0) refuse("memoryReservation", "give 0 or more");
  if (limit && reservation && reservation > limit)
    refuse("memoryReservation", `give at most memory, which is ${limit}`);
  if (swap !== undefined && swap < -1) refuse("memorySwap", "give memory plus swap, or -1 for unlimited swap");
  if (swap !== undefined && swap > 0 && !limit)
    refuse("memorySwap", "it counts memory plus swap and needs `memory` beside it");
  if (limit && swap !== undefined && swap > 0 && swap < limit)
    refuse("memorySwap", `it counts memory plus swap: give at least memory, which is ${limit}`);
  return failures;
}

function healthcheck(check: Value | undefined): CheckFailure[] {
  if (!isMap(check)) return [];
  return ["interval", "timeout", "startPeriod", "startInterval"].flatMap((name) => {
    const value = check[name];
    if (typeof value !== "string" || isUnknown(value) || nanoseconds(value) !== undefined) return [];
    return [
      {
        property: `healthcheck.${name}`,
        reason: `healthcheck.${name} is ${shown(value)}: give a duration such as "5s", "1m30s" or "500ms"`,
      },
    ];
  });
}

function volumes(list: Value | undefined): CheckFailure[] {
  return eachOf(list, "volumes", (volume, path) => {
    const { hostPath, volumeName, fromContainer, containerPath } = volume;
    if (!containerPath && !fromContainer)
      return [{ property: path, reason: `${path} is ${shown(volume)}: give containerPath or fromContainer` }];
    if (hostPath && volumeName)
      return [
        {
          property: path,
          reason: `${path} has hostPath ${shown(hostPath)} and volumeName ${shown(volumeName)}: give one of the two`,
        },
      ];
    if (typeof hostPath === "string" && hostPath !== "" && !hostPath.startsWith("/")) {
      return [
        {
          property: `${path}.hostPath`,
          reason: `${path}.hostPath is ${shown(hostPath)}: give an absolute path on the Docker host`,
        },
      ];
    }
    return [];
  });
}

function uploads(list: Value | undefined): CheckFailure[] {
  return eachOf(list, "uploads", (upload, path) => {
    const given = ["content", "contentBase64", "source"].filter(
      (name) => upload[name] !== undefined && upload[name] !== "",
    );
    if (given.length > 1)
      return [
        { property: path, reason: `${path} has ${given.join(" and ")}: give one of content, contentBase64 and source` },
      ];
    if (given.length === 0 && upload["content"] === undefined)
      return [{ property: path, reason: `${path} has nothing to upload: give content, contentBase64 or source` }];
    const { permissions } = upload;
    if (typeof permissions === "string" && permissions !== "" && !/^[0-7]{3,4}$/.test(permissions)) {
      return [
        {
          property: `${path}.permissions`,
          reason: `${path}.permissions is ${shown(permissions)}: give an octal mode such as "0644"`,
        },
      ];
    }
    return [];
  });
}

const MOUNT_TYPES = ["bind", "volume", "tmpfs", "npipe"];

function mounts(list: Value | undefined): CheckFailure[] {
  return eachOf(list, "mounts", ({ type }, path) => {
    if (typeof type !== "string" || MOUNT_TYPES.includes(type)) return [];
    return [
      { property: `${path}.type`, reason: `${path}.type is ${shown(type)}: give one of ${MOUNT_TYPES.join(", ")}` },
    ];
  });
}

/** Applies `check` to each element that is known. */
function eachOf(
  list: Value | undefined,
  name: string,
  check: (element: ValueMap, path: string) => CheckFailure[],
): CheckFailure[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((element, index) =>
    isMap(element) && !containsUnknown(element) ? check(element, `${name}[${index}]`) : [],
  );
}
