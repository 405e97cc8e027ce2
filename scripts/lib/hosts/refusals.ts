import { ownerOf } from "../leftOvers.ts";
import { sayer } from "../log.ts";
import { projectDir } from "../paths.ts";
import { notedHosts } from "../stackHosts.ts";
import { UserError } from "../userError.ts";
import { heldVolumes } from "./heldVolumes.ts";
import { stateResources, type HostsEngine } from "./machines.ts";

/**
 * Machines do not go from under an estate.
 * @param estate the engine in the estate's project.
 * @throws UserError when the estate is deployed.
 */
export async function refuseDeployed(estate: HostsEngine): Promise<void> {
  const resources = await stateResources(estate);
  const count = resources.filter(({ type }) => type !== "pulumi:pulumi:Stack").length;
  if (count === 0) return;
  throw new UserError(
    `the estate of stack "${estate.stack}" is deployed on these machines (${count} resources): npm run down -- --stack ${estate.stack} first`,
  );
}

/**
 * Data does not go with a machine unasked.
 * @param leaving machines' names in the settings.
 * @throws UserError that names each volume.
 */
export async function refuseHeldVolumes(stack: string, leaving: ReadonlySet<string>): Promise<void> {
  const owner = ownerOf(projectDir, stack);
  const prefix = `${owner.estate}-${owner.stack}-`;
  const machines = Object.entries(notedHosts(stack)).filter(([node]) => leaving.has(node.replace(prefix, "")));
  const held = await heldVolumes(Object.fromEntries(machines), owner, sayer("hosts"));
  if (held.length === 0) return;
  const what = held.map(({ volume, machine }) => `${volume} on ${machine}`).join(", ");
  const copies = [...new Set(held.map(({ dockerHost }) => dockerHost))].map(
    (dockerHost) => `DOCKER_HOST=${dockerHost} npm run backup -- --stack ${stack}`,
  );
  throw new UserError(
    `data of the estate would go with these machines: ${what}; ${copies.join(" and ")} copies it, --volumes gives it up`,
  );
}
