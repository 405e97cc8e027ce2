import { connectTo } from "../docker.ts";
import type Docker from "dockerode";
import { SECRETS_DIR } from "../../../runtime/contract/index.ts";
import { execIn } from "../containerExec.ts";
import { proveLimits } from "../processLimit.ts";
import { secretFileSizes } from "../secretFiles.ts";
import { limitGaps, readTaskLimits } from "../swarm/proof.ts";
import type { SmokeWorkload } from "./spec.ts";

/** @throws Error naming each limit that is not in force as it was declared. */
export async function enforced(workload: SmokeWorkload): Promise<string> {
  const { State } = await connectTo(workload.dockerHost).getContainer(workload.containerId).inspect();
  if (!State.Running) throw new Error(`its container is ${State.Status}`);
  const gaps = workload.service ? await taskGaps(workload) : await containerGaps(workload);
  if (gaps.length > 0) throw new Error(gaps.join("; "));
  const { memoryMiB, pids, cpus } = workload.limits;
  return `${memoryMiB} MiB, ${pids} tasks, ${cpus} cpus`;
}

async function containerGaps(workload: SmokeWorkload): Promise<string[]> {
  const { gaps } = await proveLimits(workload);
  return gaps.map(({ limit, declared, effective }) => `${limit}: ${declared} declared, ${effective} in force`);
}

async function taskGaps({ containerId, dockerHost, limits }: SmokeWorkload): Promise<string[]> {
  return limitGaps(limits, await readTaskLimits(connectTo(dockerHost).getContainer(containerId)));
}

/** @throws Error naming the files that are missing or empty. */
export async function delivered({ containerId, dockerHost, service, secretNames }: SmokeWorkload): Promise<string> {
  const container = connectTo(dockerHost).getContainer(containerId);
  const sizes = service ? await mountedFileSizes(container) : await secretFileSizes(container);
  const missing = secretNames.filter((name) => !sizes.get(name));
  if (missing.length > 0) throw new Error(`missing or empty under /run/secrets: ${missing.join(", ")}`);
  return secretNames.length === 1 ? "1 file" : `${secretNames.length} files`;
}

/** @throws Error naming what of the host its account cannot read, or not write where it was declared so. */
export async function mounted({ containerId, dockerHost, mounts = [] }: SmokeWorkload): Promise<string> {
  const container = connectTo(dockerHost).getContainer(containerId);
  const faults: string[] = [];
  for (const { path, readOnly } of mounts) {
    const can = async (flag: string) =>
      (await execIn(container, ["/bin/sh", "-c", `test ${flag} "$0"`, path])).code === 0;
    if (!(await can("-r"))) faults.push(`${path} cannot be read`);
    else if (!readOnly && !(await can("-w"))) faults.push(`${path} cannot be written`);
  }
  if (faults.length > 0) throw new Error(`${faults.join(", ")}: give its account the right to`);
  return mounts.length === 1 ? "1 path of the host" : `${mounts.length} paths of the host`;
}

/** File → bytes, as they are mounted: no archive holds the secrets of a swarm. */
async function mountedFileSizes(container: Docker.Container): Promise<Map<string, number>> {
  const { stdout } = await execIn(container, ["/bin/sh", "-c", `cd ${SECRETS_DIR} && stat -c '%s %n' -- *`]);
  const rows = stdout.split("\n").map((line) => line.split(" "));
  return new Map(rows.map(([bytes, ...name]) => [name.join(" "), Number(bytes)]));
}
