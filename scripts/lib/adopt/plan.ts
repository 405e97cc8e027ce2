import type Docker from "dockerode";
import type { VolumeCommand } from "../backup/command.ts";
import { declaredNames } from "../services.ts";
import type { StackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";
import { adoptionOf } from "./entry.ts";
import { changedFiles, findContainer, referenceOf, usageOf } from "./find.ts";
import { toKey, type Adoption } from "./found.ts";
import { findNetworks } from "./networks.ts";
import { isTaken, type NewEntries } from "./settings.ts";
import type { AdoptedContainer, Imports } from "./state.ts";

/** All that an adoption will write, and what becomes of what it cannot. */
export interface Plan {
  entries: NewEntries;
  imports: Imports;
  /** What will be different, a line each. */
  notes: string[];
  /** What is lost, a phrase each. */
  losses: string[];
}

/** Docker's own. */
const STOP_SECONDS = 10;

/**
 * Looks at containers and says what their adoption takes; changes nothing.
 * @param as name in the settings of the one container. @default made from the container's
 * @throws UserError naming a container, a network or a name with which it cannot be done.
 */
export async function planAdoption(
  { docker, owner }: Pick<VolumeCommand, "docker" | "owner">,
  stackFile: StackFile,
  names: readonly string[],
  as: string | undefined,
): Promise<Plan> {
  const found = await Promise.all(names.map((name) => findContainer(docker, name, owner)));
  const networks = await findNetworks(docker, found, declaredNames(stackFile, "networks", owner));
  const networkKeys = new Map(networks.map(({ dockerName, key }) => [dockerName, key]));
  const services = declaredNames(stackFile, "services", owner);
  const plan: Plan = {
    entries: {
      services: {},
      networks: Object.fromEntries(networks.map(({ key, entry }) => [key, entry])),
      secretEnv: {},
    },
    imports: { networks, containers: [] },
    notes: [],
    losses: [],
  };
  for (const info of found) {
    const service = as ?? toKey(info.Name);
    refuseTakenName(service, info, { ...services, ...namesIn(plan) }, stackFile);
    const { image, reference } = await referenceOf(docker, info);
    const [changes, usage] = [await changedFiles(docker, info), await usageOf(docker, info)];
    const adoption = adoptionOf({ info, image, reference, changes, usage, networkKeys });
    plan.entries.services[service] = adoption.entry;
    plan.entries.secretEnv[service] = adoption.secretEnv;
    plan.notes.push(...adoption.notes.map((note) => `${service}: ${note}`));
    plan.losses.push(...adoption.losses.map((loss) => `${service}: ${loss}`));
    plan.imports.containers.push(await importOf(docker, service, info, adoption));
  }
  return plan;
}

/** An entry of this very container is what an adoption that was broken off has left. */
function refuseTakenName(
  service: string,
  { Name }: Docker.ContainerInspectInfo,
  services: Readonly<Record<string, string>>,
  stackFile: StackFile,
): void {
  const dockerName = Name.slice(1);
  const other = services[service];
  const fault = !/^[a-z][a-z0-9-]{0,39}$/.test(service)
    ? "is none that the settings take"
    : isTaken(stackFile, service) || (other !== undefined && other !== dockerName)
      ? `is taken in ${stackFile.file}`
      : undefined;
  if (fault === undefined) return;
  throw new UserError(
    `the name "${service}" for container "${dockerName}" ${fault}; give another with --as NAME (1 to 40 of a-z, 0-9 and "-", beginning with a letter)`,
  );
}

function namesIn({ imports }: Plan): Record<string, string> {
  return Object.fromEntries(imports.containers.map(({ service, dockerName }) => [service, dockerName]));
}

async function importOf(
  docker: Docker,
  service: string,
  info: Docker.ContainerInspectInfo,
  adoption: Adoption,
): Promise<AdoptedContainer> {
  const volumes: AdoptedContainer["volumes"] = {};
  for (const [key, dockerName] of Object.entries(adoption.volumes)) {
    const { Labels } = await docker.getVolume(dockerName).inspect();
    volumes[key] = { dockerName, labels: Labels ?? {} };
  }
  const stopSeconds = Number(adoption.entry["stopSeconds"] ?? STOP_SECONDS);
  return { service, id: info.Id, dockerName: info.Name.slice(1), image: info.Image, stopSeconds, volumes };
}
