import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { stateFolder } from "./environment.ts";
import { capture } from "./exec.ts";
import { ofStack, type Owner } from "./leftOvers.ts";
import type { Say } from "./log.ts";
import type { Prepared } from "./prepare.ts";
import { messageOf, UserError } from "./userError.ts";

/**
 * Removes networks that an update which was killed has made and not written down. The next one would make them again,
 * and Docker gives no two networks the same addresses. Everything else that such an update leaves is in nobody's way and
 * waits for the sweep at the end of the update, where it is named.
 * @throws UserError when the state cannot be read.
 */
export async function removeHalfMadeNetworks(
  prepared: Prepared,
  place: { project: string; docker: Docker; owner: Owner },
  say: Say,
): Promise<void> {
  const { docker, owner } = place;
  const present = await docker.listNetworks({ filters: ofStack(owner) });
  if (present.length === 0) return;
  const state = await readState(prepared, place);
  for (const { Id, Name } of present.filter((network) => !state.includes(network.Id))) {
    try {
      await docker.getNetwork(Id).remove();
      say(`removed network ${Name}, which an update that was killed had made and not written down`);
    } catch (error) {
      // Somebody has put a container there: the sweep names it.
      say(`network ${Name} is not in the state and cannot be removed: ${messageOf(error)}`);
    }
  }
}

/** As text: an id is in it, or it is not. */
async function readState(
  { engine, env }: Prepared,
  { project, owner: { estate, stack } }: { project: string; owner: Owner },
): Promise<string> {
  const folder = stateFolder(env);
  const file = folder === undefined ? undefined : join(folder, "stacks", estate, `${stack}.json`);
  // Spares the engine's second where the state is a file of this machine.
  if (file !== undefined && existsSync(file)) return readFileSync(file, "utf8");
  const { code, stdout, stderr } = await capture(engine.file, ["stack", "export", "--stack", stack], {
    cwd: project,
    env,
  });
  if (code !== 0) throw new UserError(`the state of stack "${stack}" cannot be read: ${stderr.trim()}`);
  return stdout;
}
