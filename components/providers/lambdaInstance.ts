import { isDeepStrictEqual } from "node:util";
import type {
  CheckFailure,
  CheckResult,
  DiffResult,
  ReadResult,
  ResourceProvider,
} from "@pulumi/pulumi/dynamic/index.js";
import { lambdaOf, type LambdaAccessInputs } from "./lambda/access.ts";
import {
  ensureInstance,
  giveBackSurplus,
  readInstance,
  removeInstance,
  surplusOf,
  type WantedInstance,
} from "./lambda/instances.ts";
import { instanceTypesSchema, regionsSchema, type Instance, type InstanceTypes } from "./lambda/objects.ts";

export interface LambdaInstanceInputs extends LambdaAccessInputs, WantedInstance {
  /** In US dollars; a dearer type is refused. */
  maxHourlyPrice: number;
  /** Ids of further instances of that name; declared none. */
  surplus: readonly string[];
}

export interface LambdaInstanceState extends LambdaInstanceInputs {
  instanceId: string;
  ip: string;
  /** "" where it has none. */
  privateIp: string;
  region: string;
  type: string;
  gpus: number;
  priceCentsPerHour: number;
}

/**
 * At preview: whether the key is taken, what the types cost, and whether types and regions are known.
 * @param isNew says what it would be.
 */
export async function checkInstance(
  inputs: LambdaInstanceInputs,
  isNew = false,
): Promise<CheckResult<LambdaInstanceInputs>> {
  const { client, log } = lambdaOf(inputs);
  let offers: InstanceTypes;
  let regions: string[];
  try {
    offers = await client.get("/instance-types", instanceTypesSchema);
    regions = (await client.get("/regions", regionsSchema)).map(({ name }) => name);
  } catch (error) {
    return { inputs, failures: [{ property: "access", reason: `${inputs.name}: ${(error as Error).message}` }] };
  }
  const failures = [...typeFailures(inputs, offers), ...regionFailures(inputs, regions)];
  if (isNew && failures.length === 0) log(offersInWords(inputs, offers));
  return { inputs, failures };
}

/** For example `estate-prod-gpu-1: gpu_1x_a10 at $0.75 an hour, to be had in us-west-1`. */
function offersInWords({ name, types, regions }: LambdaInstanceInputs, offers: InstanceTypes): string {
  const words = types.map((type) => {
    const { instance_type: offer, regions_with_capacity_available: there } = offers[type] ?? {};
    // That of another machine, which is not launched yet, is any.
    const open = (there ?? []).filter(({ name: region }) => !Array.isArray(regions) || regions.includes(region));
    const where =
      open.length > 0 ? `to be had in ${open.map((each) => each.name).join(", ")}` : "nowhere to be had now";
    return `${type} at ${dollars(offer?.price_cents_per_hour ?? 0)} an hour, ${where}`;
  });
  return `${name}: ${words.join("; else ")}`;
}

function dollars(cents: number): string {
  return `$${(cents / 100).toFixed(2)}`;
}

function typeFailures({ name, types, maxHourlyPrice }: LambdaInstanceInputs, offers: InstanceTypes): CheckFailure[] {
  return types.flatMap((type): CheckFailure[] => {
    const offer = offers[type]?.instance_type;
    if (!offer) {
      const known = Object.keys(offers).sort().join(", ");
      return [{ property: "types", reason: `${name}: Lambda has no instance type "${type}"; it has ${known}` }];
    }
    const price = offer.price_cents_per_hour / 100;
    if (price <= maxHourlyPrice) return [];
    return [
      {
        property: "maxHourlyPrice",
        reason: `${name}: ${type} costs $${price.toFixed(2)} an hour, allowed are $${maxHourlyPrice.toFixed(2)}; raise maxHourlyPrice or take a smaller type`,
      },
    ];
  });
}

function regionFailures({ name, regions: wanted }: LambdaInstanceInputs, known: readonly string[]): CheckFailure[] {
  // That of another machine, which is not launched yet.
  if (!Array.isArray(wanted)) return [];
  return (wanted as readonly string[])
    .filter((region) => !known.includes(region))
    .map((region) => ({
      property: "regions",
      reason: `${name}: Lambda has no region "${region}"; it has ${known.join(", ")}`,
    }));
}

function stateOf(inputs: LambdaInstanceInputs, instance: Instance): LambdaInstanceState {
  const { id, ip = "", private_ip: privateIp = "", region, instance_type } = instance;
  return {
    ...inputs,
    surplus: [],
    instanceId: id,
    ip,
    privateIp,
    region: region.name,
    type: instance_type.name,
    gpus: instance_type.specs.gpus,
    priceCentsPerHour: instance_type.price_cents_per_hour,
  };
}

/** Whatever is another machine replaces it; a longer list of what it may be does not. */
export function diffInstance(olds: LambdaInstanceState, news: LambdaInstanceInputs): DiffResult {
  const fixed = ["name", "owner", "sshKey", "imageFamily", "userData"] as const;
  const replaces: string[] = fixed.filter((key) => !isDeepStrictEqual(olds[key], news[key]));
  // Of other regions there may be others.
  if (olds.firewallRulesets[olds.region] !== news.firewallRulesets[olds.region]) replaces.push("firewallRulesets");
  if (!news.types.includes(olds.type)) replaces.push("types");
  if (!news.regions.includes(olds.region)) replaces.push("regions");
  const inPlace = ["access", "hurry", "types", "regions", "maxHourlyPrice", "surplus", "firewallRulesets"] as const;
  const same = inPlace.every((key) => isDeepStrictEqual(olds[key], news[key]));
  // Two of one name cannot be told apart.
  return { changes: replaces.length > 0 || !same, replaces, deleteBeforeReplace: true };
}

export const provider: ResourceProvider<LambdaInstanceInputs, LambdaInstanceState> = {
  check: (olds, news) => checkInstance(news, !("name" in ((olds as object | undefined) ?? {}))),
  async create(inputs) {
    const instance = await ensureInstance(lambdaOf(inputs), inputs);
    return { id: instance.id, outs: stateOf(inputs, instance) };
  },
  async read(id, state): Promise<ReadResult<LambdaInstanceState>> {
    if (!state) return {};
    const lambda = lambdaOf(state);
    const instance = await readInstance(lambda, id);
    if (!instance) return {};
    const surplus = await surplusOf(lambda, state, id);
    const { instanceId: _id, ip: _ip, privateIp: _private, region: _region, type: _type, ...rest } = state;
    const { gpus: _gpus, priceCentsPerHour: _price, ...others } = rest;
    const inputs: LambdaInstanceInputs = { ...others, surplus };
    return { id, props: { ...stateOf(inputs, instance), surplus }, inputs: inputs as LambdaInstanceState };
  },
  diff: (_id, olds, news) => Promise.resolve(diffInstance(olds, news)),
  async update(id, olds, news) {
    await giveBackSurplus(lambdaOf(news), news, id);
    return { outs: { ...olds, ...news, surplus: [] } };
  },
  delete: (id, state) => removeInstance(lambdaOf(state), state, id),
};
