import { setTimeout as sleep } from "node:timers/promises";
import { isTransient, LambdaError, type LambdaClient } from "./client.ts";
import { forgetLaunch, noteLaunch, sinceLaunch } from "./launchNotes.ts";
import {
  GONE,
  instanceSchema,
  instancesSchema,
  instanceTypesSchema,
  launchedSchema,
  terminatedSchema,
  type Instance,
  type InstanceTypes,
  type LaunchRequest,
} from "./objects.ts";

/** Says whose an instance is; its value is ESTATE/STACK. */
export const OWNER_TAG = "mcp-estate-stack";

/** An instance as it is declared. */
export interface WantedInstance {
  /** Unique in the account: by it an instance is found again, as the API knows no key for a request that is sent twice. */
  name: string;
  /** ESTATE/STACK. */
  owner: string;
  /** In order of preference; the first that is to be had is taken. */
  types: readonly string[];
  regions: readonly string[];
  /** Name of a key that is registered. */
  sshKey: string;
  /** Family of the image. @default Lambda's own */
  imageFamily?: string | undefined;
  /** cloud-init. */
  userData?: string | undefined;
  /** Region → id of the firewall ruleset that an instance there gets. */
  firewallRulesets: Readonly<Record<string, string>>;
}

/** How long is waited for what, in milliseconds. */
export interface Patience {
  /** Between two looks at an instance that boots. */
  pollMs: number;
  /** Until it must be active, with an address. */
  bootMs: number;
  /** Until one that was given back must be gone. */
  goneMs: number;
  /** Between two looks for an instance whose launch was not answered. */
  lookMs: number;
}

export const PATIENCE: Patience = { pollMs: 10_000, bootMs: 20 * 60_000, goneMs: 10 * 60_000, lookMs: 10_000 };

/** Looks after a launch that was not answered, before it is launched once more. */
const LOOKS = 6;
/** Launches of one type in one region whose answers are lost, and instances that come up unhealthy, before it is given up. */
const MOST_LOST = 3;
const MOST_UNHEALTHY = 3;

/** The next region or type may have what this one has not. */
const NO_CAPACITY: ReadonlySet<string> = new Set([
  "instance-operations/launch/insufficient-capacity",
  "instance-operations/launch/file-system-in-wrong-region",
]);

export interface Lambda {
  client: LambdaClient;
  patience: Patience;
  /** Gets one line for each step, for people. */
  log: (line: string) => void;
}

/**
 * The one instance of that name: found again, or launched and waited for until it is active and has an address.
 * @throws Error that says why there is none; nothing that it has launched is billed then.
 */
export async function ensureInstance(lambda: Lambda, wanted: WantedInstance): Promise<Instance> {
  for (let unhealthy = 0; ; unhealthy++) {
    const found = (await onlyOne(lambda, wanted)) ?? (await ofEarlierLaunch(lambda, wanted));
    if (found) lambda.log(`${wanted.name}: is there already (${found.id}, ${found.status})`);
    const id = found?.id ?? (await launch(lambda, wanted));
    const outcome = await untilActive(lambda, wanted, id);
    await forgetLaunch(await lambda.client.account(), wanted.name);
    // One whose launch was not answered may have come up late.
    if (typeof outcome !== "string") {
      await onlyOne(lambda, wanted, id);
      return outcome;
    }
    await terminate(lambda, wanted.name, [id]);
    if (unhealthy + 1 === MOST_UNHEALTHY) {
      throw new Error(`${wanted.name}: ${outcome}, ${MOST_UNHEALTHY} times; all were given back, nothing is billed`);
    }
    lambda.log(`${wanted.name}: ${outcome}; it was given back, another is launched`);
  }
}

/** What an id of the state stands for now; undefined where it costs nothing any more. */
export async function readInstance({ client }: Lambda, id: string): Promise<Instance | undefined> {
  try {
    const instance = await client.get(`/instances/${id}`, instanceSchema);
    return GONE.has(instance.status) ? undefined : instance;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/**
 * Gives back the instance, and whatever else of that name and owner a lost answer has left.
 * @throws Error when one is still there, or the one of that id is not this stack's.
 */
export async function removeInstance(lambda: Lambda, { name, owner }: WantedInstance, id: string): Promise<void> {
  const present = await readInstance(lambda, id);
  if (present && ownerOf(present) !== owner) {
    throw new Error(
      `${name}: instance ${id} (${present.name ?? "no name"}) does not carry the tag ${OWNER_TAG}=${owner}; it is left alone, and billed: look at it at Lambda`,
    );
  }
  const all = (await ownInstances(lambda, { name, owner })).map((each) => each.id);
  await terminate(lambda, name, [...new Set([...(present ? [id] : []), ...all])]);
}

/** Names of what carries the owner's tag, costs something, and is not among `names`. */
export async function strayNames({ client }: Lambda, owner: string, names: readonly string[]): Promise<string[]> {
  const all = await client.get("/instances", instancesSchema);
  const own = all.filter((instance) => ownerOf(instance) === owner && !GONE.has(instance.status));
  return own.map(({ id, name = id }) => name).filter((name) => !names.includes(name));
}

/**
 * Gives back everything that carries the owner's tag, but for `kept`.
 * @param launched names of which one may have been launched a moment ago by who was killed: it is waited for
 * @throws Error when something of it is still there.
 */
export async function removeAll(
  lambda: Lambda,
  owner: string,
  { kept = [], launched = [] }: { kept?: readonly string[]; launched?: readonly string[] },
): Promise<void> {
  const account = await lambda.client.account();
  for (const name of launched) {
    const since = await sinceLaunch(account, name);
    const wait = LOOKS * lambda.patience.lookMs - since;
    // Until the list tells of it, if there is one.
    if (wait > 0) await sleep(wait);
    await forgetLaunch(account, name);
  }
  const all = await lambda.client.get("/instances", instancesSchema);
  const own = all.filter(
    (each) => ownerOf(each) === owner && !GONE.has(each.status) && !kept.includes(each.name ?? ""),
  );
  if (own.length > 0) lambda.log(`giving back ${own.map(({ id, name = "" }) => `${name} (${id})`).join(", ")}`);
  await terminate(
    lambda,
    owner,
    own.map(({ id }) => id),
  );
}

/** Ids of what else has that name and owner. */
export async function surplusOf(lambda: Lambda, wanted: WantedInstance, id: string): Promise<string[]> {
  const own = await ownInstances(lambda, wanted);
  return own.map((each) => each.id).filter((each) => each !== id);
}

/** Gives back all of that name and owner but one. */
export async function giveBackSurplus(lambda: Lambda, wanted: WantedInstance, id: string): Promise<void> {
  await onlyOne(lambda, wanted, id);
}

/** Instances of this name that cost something. @throws Error where one of them is somebody else's. */
async function ownInstances(
  { client }: Lambda,
  { name, owner }: Pick<WantedInstance, "name" | "owner">,
): Promise<Instance[]> {
  const all = await client.get("/instances", instancesSchema);
  const named = all.filter((instance) => instance.name === name && !GONE.has(instance.status));
  const foreign = named.find((instance) => ownerOf(instance) !== owner);
  if (foreign) {
    throw new Error(
      `${name}: the account has an instance of that name, ${foreign.id}, that is not of this stack (tag ${OWNER_TAG}: ${ownerOf(foreign) ?? "none"}); give another name to the host, or to that instance`,
    );
  }
  return named;
}

/** Gives back all of that name but one: `keep`, else one that is active, else the first of all. */
async function onlyOne(lambda: Lambda, wanted: WantedInstance, keep?: string): Promise<Instance | undefined> {
  const own = (await ownInstances(lambda, wanted)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const kept = own.find(({ id }) => id === keep) ?? own.find(({ status }) => status === "active") ?? own[0];
  const others = own.filter((each) => each !== kept).map(({ id }) => id);
  if (others.length > 0) {
    lambda.log(`${wanted.name}: ${others.join(", ")} came up as well, of a launch whose answer was lost; given back`);
    await terminate(lambda, wanted.name, others);
  }
  return kept;
}

/** What a process that was killed has launched a moment ago, once the list tells of it. */
async function ofEarlierLaunch(lambda: Lambda, wanted: WantedInstance): Promise<Instance | undefined> {
  const since = await sinceLaunch(await lambda.client.account(), wanted.name);
  if (since > LOOKS * lambda.patience.lookMs) return undefined;
  lambda.log(`${wanted.name}: an earlier launch was cut off; looking whether it came up`);
  return lookFor(lambda, wanted);
}

/** @returns id of what was launched. @throws Error naming all that was tried. */
async function launch(lambda: Lambda, wanted: WantedInstance): Promise<string> {
  const refusals: string[] = [];
  for (const { type, region } of candidates(wanted, await lambda.client.get("/instance-types", instanceTypesSchema))) {
    lambda.log(`${wanted.name}: launching ${type} in ${region}`);
    const id = await launchOne(lambda, wanted, type, region);
    if (typeof id === "string") return id;
    refusals.push(`${type} in ${region}: ${id.code}`);
  }
  throw new Error(
    `${wanted.name}: nothing of what it may be is to be had now (${refusals.join("; ")}); add a region or a type, or try later`,
  );
}

/** Those that say that they have capacity come first: a refused launch costs twelve seconds. */
function candidates(
  { types, regions }: WantedInstance,
  offers: InstanceTypes,
): Array<{ type: string; region: string }> {
  const all = types.flatMap((type) => regions.map((region) => ({ type, region })));
  const hasRoom = ({ type, region }: { type: string; region: string }): boolean =>
    offers[type]?.regions_with_capacity_available.some(({ name }) => name === region) ?? false;
  return [...all.filter(hasRoom), ...all.filter((each) => !hasRoom(each))];
}

/** @returns the id, or the refusal that lets the next one have its turn. */
async function launchOne(
  lambda: Lambda,
  wanted: WantedInstance,
  type: string,
  region: string,
): Promise<string | LambdaError> {
  for (let lost = 0; ; lost++) {
    const account = await lambda.client.account();
    try {
      await noteLaunch(account, wanted.name);
      const options = { body: launchRequest(wanted, type, region), kind: "launch" as const };
      const { instance_ids } = await lambda.client.change(
        "POST",
        "/instance-operations/launch",
        launchedSchema,
        options,
      );
      return instance_ids[0] ?? "";
    } catch (error) {
      if (error instanceof LambdaError && !isTransient(error)) await forgetLaunch(account, wanted.name);
      if (error instanceof LambdaError && NO_CAPACITY.has(error.code)) return error;
      if (!isTransient(error)) throw error;
      lambda.log(`${wanted.name}: ${(error as Error).message}; looking whether it was launched`);
      const found = await lookFor(lambda, wanted);
      if (found) return found.id;
      if (lost + 1 === MOST_LOST) throw error;
    }
  }
}

/** One whose launch was not answered. */
async function lookFor(lambda: Lambda, wanted: WantedInstance): Promise<Instance | undefined> {
  for (let look = 0; look < LOOKS; look++) {
    await sleep(lambda.patience.lookMs);
    const [found] = await ownInstances(lambda, wanted);
    if (found) return found;
  }
  return undefined;
}

function launchRequest(wanted: WantedInstance, type: string, region: string): LaunchRequest {
  const { name, owner, sshKey, imageFamily, userData, firewallRulesets } = wanted;
  const ruleset = firewallRulesets[region];
  return {
    region_name: region,
    instance_type_name: type,
    ssh_key_names: [sshKey],
    name,
    hostname: name,
    tags: [{ key: OWNER_TAG, value: owner }],
    ...(imageFamily === undefined ? {} : { image: { family: imageFamily } }),
    ...(userData === undefined ? {} : { user_data: userData }),
    ...(ruleset === undefined ? {} : { firewall_rulesets: [{ id: ruleset }] }),
  };
}

/** The instance once it is active and has an address, or why it will not be. */
async function untilActive(
  { client, patience, log }: Lambda,
  { name }: WantedInstance,
  id: string,
): Promise<Instance | string> {
  const end = Date.now() + patience.bootMs;
  for (let seen = ""; ; await sleep(patience.pollMs)) {
    let instance: Instance;
    try {
      instance = await client.get(`/instances/${id}`, instanceSchema);
    } catch (error) {
      // The list may be behind; time will tell.
      if (!isGone(error)) throw error;
      if (Date.now() > end) return `instance ${id} is not known to the account that launched it`;
      continue;
    }
    if (instance.status === "active" && instance.ip) return instance;
    if (instance.status !== "booting" && instance.status !== "active")
      return `instance ${id} came up ${instance.status}`;
    if (instance.status !== seen) log(`${name}: ${id} is ${(seen = instance.status)}`);
    if (Date.now() > end)
      return `instance ${id} is ${instance.status} without an address after ${Math.round(patience.bootMs / 60_000)} minutes`;
  }
}

/** @throws Error when one of them is still there when time is over. */
async function terminate(lambda: Lambda, name: string, ids: readonly string[]): Promise<void> {
  const end = Date.now() + lambda.patience.goneMs;
  for (let left = [...ids]; left.length > 0;) {
    try {
      const body = { instance_ids: left };
      await lambda.client.change("POST", "/instance-operations/terminate", terminatedSchema, {
        body,
        repeatable: true,
      });
    } catch (error) {
      // One that has gone by itself is refused together with the others.
      if (!isGone(error)) throw error;
    }
    await sleep(lambda.patience.pollMs);
    const present = await Promise.all(left.map(async (id) => ((await isStillThere(lambda, id)) ? id : "")));
    left = present.filter((id) => id !== "");
    if (left.length > 0 && Date.now() > end) {
      throw new Error(
        `${name}: ${left.join(", ")} was given back and is still there after ${Math.round(lambda.patience.goneMs / 60_000)} minutes: it is billed; terminate it at Lambda`,
      );
    }
  }
}

async function isStillThere({ client }: Lambda, id: string): Promise<boolean> {
  try {
    const { status } = await client.get(`/instances/${id}`, instanceSchema);
    return status !== "terminated" && status !== "preempted";
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof LambdaError && error.status === 404;
}

function ownerOf({ tags }: Instance): string | undefined {
  return tags.find(({ key }) => key === OWNER_TAG)?.value;
}
