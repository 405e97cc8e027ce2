import { ownerOf } from "../leftOvers.ts";
import { projectDir } from "../paths.ts";
import { notedHosts } from "../stackHosts.ts";
import { messageOf, UserError } from "../userError.ts";
import { heldVolumes } from "./heldVolumes.ts";
import { stateResources, type HostsEngine, type Machine } from "./machines.ts";

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
    `the estate of stack "${estate.stack}" is deployed (${count} resources): npm run down -- --stack ${estate.stack} first`,
  );
}

/**
 * Data does not go with a machine unasked; nor does a machine of which it is not known whether it has any.
 * @param leaving those that an update would give back.
 * @throws UserError that names each volume, or each machine that cannot be asked.
 */
export async function refuseHeldVolumes(stack: string, leaving: readonly Machine[]): Promise<void> {
  const owner = ownerOf(projectDir, stack);
  const noted = notedHosts(stack);
  // On one that never became a node there was no estate.
  const nodes = leaving.filter(({ isNode }) => isNode).map(({ name }) => `${owner.estate}-${owner.stack}-${name}`);
  const found = await Promise.all(
    nodes.map(async (node) => {
      const dockerHost = noted[node];
      const unknown = (why: string) => ({ volumes: [], copy: [], unknown: [`${node} (${why})`] });
      if (dockerHost === undefined) return unknown("how it is reached is not noted here");
      try {
        const volumes = (await heldVolumes(dockerHost, owner)).map((volume) => `${volume} on ${node}`);
        const copy = `DOCKER_HOST=${dockerHost} npm run backup -- --stack ${stack}`;
        return { volumes, copy: volumes.length > 0 ? [copy] : [], unknown: [] };
      } catch (error) {
        return unknown(messageOf(error));
      }
    }),
  );
  const volumes = found.flatMap((each) => each.volumes);
  if (volumes.length > 0) {
    const copies = found.flatMap(({ copy }) => copy).join(" and ");
    throw new UserError(
      `data of the estate would go with these machines: ${volumes.join(", ")}; ${copies} copies it, --volumes gives it up`,
    );
  }
  const silent = found.flatMap((each) => each.unknown);
  if (silent.length > 0) {
    throw new UserError(
      `whether data of the estate would go with these machines is not known: ${silent.join(", ")}; npm run hosts -- refresh --stack ${stack} forgets one that is gone, -- reach notes how they are reached, --volumes gives up what they have`,
    );
  }
}
