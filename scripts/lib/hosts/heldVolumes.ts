import { dataVolumes } from "../backup/dataVolumes.ts";
import { dockerClient } from "../docker.ts";
import type { Owner } from "../leftOvers.ts";
import { messageOf } from "../userError.ts";

const ANSWER_MS = 20_000;

/**
 * Names of the estate's data volumes on a machine.
 * @param dockerHost how its Docker is reached.
 * @throws Error when it does not answer: then nothing is known of them.
 */
export async function heldVolumes(dockerHost: string, owner: Owner): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  });
  try {
    const asked = dataVolumes({ docker: dockerClient({ DOCKER_HOST: dockerHost }), owner, declared: [] });
    return (await Promise.race([asked, late])).map(({ name }) => name);
  } catch (error) {
    throw new Error(messageOf(error).split("\n")[0], { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
