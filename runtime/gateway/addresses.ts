import { BlockList } from "node:net";
import { networkInterfaces } from "node:os";

/** The IPv4 addresses of a block. @param block in CIDR notation. */
export function blockOf(block: string): BlockList {
  const [network = "", bits] = block.split("/");
  const list = new BlockList();
  list.addSubnet(network, Number(bits), "ipv4");
  return list;
}

/** This host's first IPv4 address in a block. @param block in CIDR notation. */
export function addressIn(block: string, interfaces = networkInterfaces()): string | undefined {
  const list = blockOf(block);
  return Object.values(interfaces)
    .flatMap((found) => found ?? [])
    .find(({ family, address }) => family === "IPv4" && list.check(address))?.address;
}
