import { consent } from "../lib/ask.ts";
import { ensureDocker } from "../lib/docker.ts";
import { sayer } from "../lib/log.ts";
import { stopDaemon } from "../lib/stopDaemon.ts";

/** Does `work` with a Docker that answers; one that had to be started for it is stopped again. */
export async function withDocker<T>(work: () => Promise<T>): Promise<T> {
  const say = sayer("docker");
  const { pid } = await ensureDocker({ say, consent: consent(true) });
  try {
    return await work();
  } finally {
    if (pid !== undefined) await stopDaemon(pid, say);
  }
}
