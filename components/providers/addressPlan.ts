import type { CheckFailure, CheckResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { LABEL_ESTATE, LABEL_STACK } from "../naming.ts";
import { overlaps, type WantedBlock } from "../subnets.ts";
import { connect } from "./docker.ts";

export interface AddressPlanInputs {
  estate: string;
  stack: string;
  blocks: readonly WantedBlock[];
}

/** A network of the Docker host. */
export interface PresentNetwork {
  name: string;
  labels: Readonly<Record<string, string>>;
  subnets: readonly string[];
}

const IPV4_BLOCK = /^[\d.]+\/\d+$/;

/** Asks the Docker host for its networks and compares; runs at preview. */
export async function checkAddressPlan(inputs: AddressPlanInputs): Promise<CheckResult<AddressPlanInputs>> {
  const networks = (await connect().listNetworks()).map(({ Name, Labels, IPAM }) => ({
    name: Name,
    labels: (Labels as Record<string, string> | null) ?? {},
    subnets: ((IPAM?.Config ?? []) as Array<{ Subnet?: string }>).flatMap(({ Subnet }) => Subnet ?? []),
  }));
  return { inputs, failures: addressFailures(inputs, networks) };
}

/** One failure for each block that a network of somebody else overlaps. */
export function addressFailures(
  { estate, stack, blocks }: AddressPlanInputs,
  networks: readonly PresentNetwork[],
): CheckFailure[] {
  const foreign = networks.filter(({ labels }) => labels[LABEL_ESTATE] !== estate || labels[LABEL_STACK] !== stack);
  const taken = foreign.flatMap(({ name, labels, subnets }) =>
    subnets.filter((subnet) => IPV4_BLOCK.test(subnet)).map((subnet) => ({ name, labels, subnet })),
  );
  return blocks.flatMap(({ network, setting, value, subnet, dockerName }) => {
    const other = taken.find(({ name, subnet: theirs }) => name !== dockerName && overlaps(subnet, theirs));
    if (!other) return [];
    const whose = other.labels[LABEL_STACK] === undefined ? "" : ` of stack "${other.labels[LABEL_STACK]}"`;
    const free = freeRange(taken.map((each) => each.subnet).concat(blocks.map((block) => block.value)));
    return [
      {
        property: "blocks",
        reason:
          `${setting} is ${value}: network ${network} would have ${subnet} of it, and network ${other.name}${whose} has ${other.subnet}, which Docker gives to one network only;` +
          ` set ${setting} to a range that nobody has${free ? `, for example ${free}` : ""}, or end the other`,
      },
    ];
  });
}

/** A private /16 in which no network of the host lies. */
function freeRange(taken: readonly string[]): string | undefined {
  const candidates = Array.from({ length: 55 }, (_, i) => `10.${201 + i}.0.0/16`);
  return candidates.find((candidate) => !taken.some((subnet) => overlaps(candidate, subnet)));
}

export const provider: ResourceProvider<AddressPlanInputs, AddressPlanInputs> = {
  check: (_olds, news) => checkAddressPlan(news),
  create: (inputs) => Promise.resolve({ id: "address-plan", outs: inputs }),
  update: (_id, _olds, news) => Promise.resolve({ outs: news }),
};
