import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { ofStack, type Owner } from "../leftOvers.ts";
import { messageOf, UserError } from "../userError.ts";
import { readContract, writeContained, type ContractFile } from "./contractFile.ts";
import { readReadiness, type Readiness } from "./readiness.ts";

/** One line of the report. */
export interface Contained {
  /** Instance: the host name of the container. */
  instance: string;
  /** As it was found. */
  state: string;
  why: string;
  done: string;
}

/** A server's container of the stack. */
interface Member {
  instance: string;
  container: Docker.Container;
  running: boolean;
  contract: ContractFile;
}

/** Not healthy, and not on its way there: `silent` is a supervisor that does not answer. */
const FAILING: ReadonlySet<string> = new Set(["unhealthy", "crash-loop", "silent"]);
/** A child that ignores TERM is killed after 5 s; a busy host needs a little more. */
const STOPPED_WITHIN_MS = 10_000;
const POLL_MS = 200;

/**
 * Quarantines every failing server at once (R-PRC-19): its process is ended with its whole group, its container stays
 * for the evidence and says why. A container whose supervisor does not obey is stopped. Needs Docker alone.
 * @param names contain these, whatever their state. @default every failing one
 * @throws UserError for a name that is no server's.
 */
export async function contain(docker: Docker, owner: Owner, names: readonly string[]): Promise<Contained[]> {
  const members = await chosen(docker, owner, names);
  const found = await Promise.all(
    members
      .filter(({ running, contract }) => running && contract.contained === undefined)
      .map(async (member) => ({ member, readiness: await readReadiness(member.container) })),
  );
  const wanted = found.filter(({ readiness }) => names.length > 0 || FAILING.has(readiness.state));
  return Promise.all(wanted.map(({ member, readiness }) => containOne(member, readiness)));
}

/**
 * Takes the containment back; what was stopped is started.
 * @throws UserError for a name that is no server's.
 */
export async function release(docker: Docker, owner: Owner, names: readonly string[]): Promise<Contained[]> {
  const members = await chosen(docker, owner, names);
  const contained = members.filter(({ contract }) => contract.contained !== undefined);
  return Promise.all(
    contained.map(async ({ instance, container, running, contract }) => {
      await writeContained(container, contract, undefined);
      if (!running) await container.start();
      const why = contract.contained ?? "";
      return { instance, state: "contained", why, done: running ? "released" : "released, its container started" };
    }),
  );
}

async function containOne({ instance, container, contract }: Member, found: Readiness): Promise<Contained> {
  const why = found.reason === "" ? `it was ${found.state}` : `${found.state}: ${found.reason}`;
  const row = { instance, state: found.state, why: found.reason };
  try {
    await writeContained(container, contract, why);
    if (found.state !== "silent" && (await quarantined(container))) return { ...row, done: "its process is ended" };
    await container.stop();
    return { ...row, done: "its container is stopped" };
  } catch (error) {
    // the others are contained all the same
    return { ...row, done: `NOT contained: ${messageOf(error)}` };
  }
}

async function quarantined(container: Docker.Container): Promise<boolean> {
  const end = Date.now() + STOPPED_WITHIN_MS;
  while (Date.now() < end) {
    const { state, reason } = await readReadiness(container);
    if (state === "quarantined" && reason.startsWith("contained:")) return true;
    await sleep(POLL_MS);
  }
  return false;
}

/** A server's name means all of its instances. */
async function chosen(docker: Docker, owner: Owner, names: readonly string[]): Promise<Member[]> {
  const members = await serversOf(docker, owner);
  const known = new Set(members.flatMap(({ instance, contract }) => [instance, contract.server]));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new UserError(
      `there is no server ${unknown.map((name) => `"${name}"`).join(", ")} in stack "${owner.stack}"; there ${known.size === 1 ? "is" : "are"} ${[...known].sort().join(", ") || "none"}`,
    );
  }
  if (names.length === 0) return members;
  return members.filter(({ instance, contract }) => names.includes(instance) || names.includes(contract.server));
}

async function serversOf(docker: Docker, owner: Owner): Promise<Member[]> {
  const containers = await docker.listContainers({ all: true, filters: ofStack(owner) });
  const members = await Promise.all(
    containers.map(async ({ Id }): Promise<Member | undefined> => {
      const container = docker.getContainer(Id);
      const [contract, info] = await Promise.all([readContract(container), container.inspect()]);
      if (contract === undefined) return undefined;
      return { instance: info.Config.Hostname, container, running: info.State.Running, contract };
    }),
  );
  return members.filter((member) => member !== undefined).sort((a, b) => (a.instance < b.instance ? -1 : 1));
}
