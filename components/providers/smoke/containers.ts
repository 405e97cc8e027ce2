import { connect } from "../docker.ts";
import { proveLimits } from "../processLimit.ts";
import { secretFileSizes } from "../secretFiles.ts";
import type { SmokeWorkload } from "./spec.ts";

/** @throws Error naming each limit that is not in force as it was declared. */
export async function enforced(workload: SmokeWorkload): Promise<string> {
  const { State } = await connect().getContainer(workload.containerId).inspect();
  if (!State.Running) throw new Error(`its container is ${State.Status}`);
  const { gaps } = await proveLimits(workload);
  if (gaps.length > 0) {
    throw new Error(
      gaps.map(({ limit, declared, effective }) => `${limit}: ${declared} declared, ${effective} in force`).join("; "),
    );
  }
  const { memoryMiB, pids, cpus } = workload.limits;
  return `${memoryMiB} MiB, ${pids} tasks, ${cpus} cpus`;
}

/** @throws Error naming the files that are missing or empty. */
export async function delivered({ containerId, secretNames }: SmokeWorkload): Promise<string> {
  const sizes = await secretFileSizes(containerId);
  const missing = secretNames.filter((name) => !sizes.get(name));
  if (missing.length > 0) throw new Error(`missing or empty under /run/secrets: ${missing.join(", ")}`);
  return secretNames.length === 1 ? "1 file" : `${secretNames.length} files`;
}
