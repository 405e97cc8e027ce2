import { hashToUint32, type Owner } from "./naming.ts";

/** Addresses that a network of the estate will have. */
export interface WantedBlock {
  /** Whose network it is, for messages. */
  network: string;
  /** Full name of the setting that the block comes from, for example mcp-estate:network.range. */
  setting: string;
  /** What that setting says. */
  value: string;
  /** IPv4 block in CIDR notation. */
  subnet: string;
  /** Name in Docker of a network that may be there already. */
  dockerName?: string;
}

/** Prefix length of a server's network: network, bridge, five hosts, broadcast. One server and the gateway need two of the five. */
export const HOST_BLOCK_BITS = 29;

/**
 * Gives each name a block of its own within `range`.
 * A name keeps its block when others come and go (its hash chooses it), but for the rare names that hash to the
 * same block: those take the next free one, in alphabetical order.
 * @param range IPv4 range in CIDR notation, /8 to /24, for example 10.201.0.0/16.
 * @param bits prefix length of the blocks.
 * @throws Error when the range is malformed or holds fewer blocks than names.
 */
export function allocateSubnets(range: string, names: readonly string[], bits = HOST_BLOCK_BITS): Map<string, string> {
  const { base, size } = parseRange(range);
  const blockSize = 2 ** (32 - bits);
  const blocks = Math.floor(size / blockSize);
  if (names.length > blocks) {
    throw new Error(
      `${range} holds ${blocks} networks of ${blockSize} addresses, ${names.length} are needed: use a larger range`,
    );
  }
  const taken = new Set<number>();
  const result = new Map<string, string>();
  for (const name of [...names].sort()) {
    let block = hashToUint32(name) % blocks;
    while (taken.has(block)) block = (block + 1) % blocks;
    taken.add(block);
    result.set(name, `${formatAddress(base + block * blockSize)}/${bits}`);
  }
  return result;
}

/** Every block that an estate's networks will have, and the setting that it comes from. */
export function wantedBlocks(
  owner: Owner,
  estate: {
    networkRange: string;
    networks: ReadonlyArray<{ name: string; subnet: string; dockerName?: string | undefined }>;
  },
  subnets: ReadonlyMap<string, string>,
): WantedBlock[] {
  const own = [...subnets].map(([network, subnet]) => ({
    network,
    setting: `${owner.estate}:network.range`,
    value: estate.networkRange,
    subnet,
  }));
  const shared = estate.networks.map(({ name, subnet, dockerName }) => ({
    network: name,
    setting: `${owner.estate}:networks.${name}.subnet`,
    value: subnet,
    subnet,
    ...(dockerName ? { dockerName } : {}),
  }));
  return [...own, ...shared];
}

/** True when `range` is an IPv4 CIDR that `allocateSubnets` takes. */
export function isSubnetRange(range: string): boolean {
  try {
    parseRange(range);
    return true;
  } catch {
    return false;
  }
}

/** True when `subnet` is an IPv4 block in CIDR notation with room for containers: /8 to /29. */
export function isSubnet(subnet: string): boolean {
  return parseBlock(subnet, 8, 29) !== undefined;
}

/** True when two blocks have an address in common. @throws Error when one is malformed. */
export function overlaps(a: string, b: string): boolean {
  const [first, second] = [a, b].map((text) => parseBlock(text, 0, 32));
  if (!first || !second) throw new Error(`${a}, ${b}: both must be IPv4 blocks`);
  return first.base < second.base + second.size && second.base < first.base + first.size;
}

/** First address of a block, which Docker gives to the bridge: 10.201.0.9 of 10.201.0.8/29. */
export function bridgeAddress(subnet: string): string {
  const [address = ""] = subnet.split("/");
  return address.replace(/\d+$/, (last) => String(Number(last) + 1));
}

function parseRange(range: string): { base: number; size: number } {
  const block = parseBlock(range, 8, 24);
  if (!block) throw new Error(`${JSON.stringify(range)} is no IPv4 range from /8 to /24, for example 10.201.0.0/16`);
  return block;
}

/** First address and number of addresses; undefined where it is no block with a prefix between the two. */
function parseBlock(text: string, fewestBits: number, mostBits: number): { base: number; size: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const octets = match?.slice(1, 5).map(Number) ?? [];
  const bits = Number(match?.[5]);
  if (!match || octets.some((octet) => octet > 255) || bits < fewestBits || bits > mostBits) return undefined;
  const size = 2 ** (32 - bits);
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return { base: address - (address % size), size };
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
