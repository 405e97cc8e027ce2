import { runAttached } from "../exec.ts";
import type { Say } from "../log.ts";
import { UserError } from "../userError.ts";
import { machinesOf, type HostsEngine } from "./machines.ts";

/**
 * Gives back the machines that a failed update has launched and that are no nodes: nobody is to pay for what nobody can use.
 * @param known ids of those that were there before it.
 * @throws UserError when they could not be.
 */
export async function giveBackUnfinished(engine: HostsEngine, known: ReadonlySet<string>, say: Say): Promise<void> {
  const unfinished = (await machinesOf(engine)).filter(({ id, isNode }) => !isNode && !known.has(id));
  if (unfinished.length === 0) return;
  const names = unfinished.map(({ name, ip }) => `${name}${ip === "" ? "" : ` (${ip})`}`).join(", ");
  say(`giving back what was launched and is no node: ${names}; --keep keeps it, for a look`);
  const targets = unfinished.flatMap(({ urn }) => ["--target", urn]);
  const args = ["destroy", "--yes", "--skip-preview", "--suppress-outputs", "--target-dependents", ...targets];
  const { file, folder: cwd, stack, env } = engine;
  const code = await runAttached(file, [...args, "--stack", stack], { cwd, env });
  if (code !== 0) {
    throw new UserError(
      `${names} could not be given back and may be billed: npm run hosts -- down --stack ${stack}, or Lambda's own page`,
    );
  }
}
