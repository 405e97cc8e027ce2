import { dataVolumes } from "../backup/dataVolumes.ts";
import { dockerClient } from "../docker.ts";
import type { Owner } from "../leftOvers.ts";
import type { Say } from "../log.ts";
import { messageOf } from "../userError.ts";

const ANSWER_MS = 20_000;

export interface HeldVolume {
  volume: string;
  /** Host name. */
  machine: string;
  /** How its Docker is reached. */
  dockerHost: string;
}

/**
 * The estate's data volumes on machines that are to go.
 * @param machines name → how its Docker is reached; of one that does not answer nothing can be said.
 */
export async function heldVolumes(
  machines: Readonly<Record<string, string>>,
  owner: Owner,
  say: Say,
): Promise<HeldVolume[]> {
  const found = await Promise.all(
    Object.entries(machines).map(async ([name, host]) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
      });
      try {
        const asked = dataVolumes({ docker: dockerClient({ DOCKER_HOST: host }), owner, declared: [] });
        const volumes = await Promise.race([asked, late]);
        return volumes.map((volume) => ({ volume: volume.name, machine: name, dockerHost: host }));
      } catch (error) {
        say(`${name} cannot be asked for volumes: ${messageOf(error).split("\n")[0] ?? ""}`);
        return [];
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  return found.flat();
}
