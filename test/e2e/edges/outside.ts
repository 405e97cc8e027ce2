/**
 * Stands for what is around an estate: a host with open ports on all its addresses, the cloud's metadata service, the
 * internet, and the name server of them all. Runs in the network namespace of the test's own Docker and prints
 * `ready`, then each name that it is asked for.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

export interface OutsideSpec {
  /** TCP ports, open on every address. */
  ports: readonly number[];
  /** Name → IPv4 address; all others have none. */
  names: Readonly<Record<string, string>>;
}

const HEADER_BYTES = 12;
/** A response that knows no name like that; and one that does. */
const [NO_SUCH_NAME, KNOWN] = [0x8183, 0x8180];
const TYPE_A = 1;
/** Name (that of the question), type A, class IN, a minute, four bytes. */
const ANSWER_HEAD = Buffer.from("c00c000100010000003c0004", "hex");

/** The question of a query: its name, and where it ends. */
function questionOf(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 5 };
}

function respond(query: Buffer, address: string | undefined, end: number): Buffer {
  const isA = query.readUInt16BE(end - 4) === TYPE_A;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(address === undefined ? NO_SUCH_NAME : KNOWN, 2);
  header.writeUInt16BE(1, 4);
  const parts = [header, query.subarray(HEADER_BYTES, end)];
  if (address !== undefined && isA) {
    header.writeUInt16BE(1, 6);
    parts.push(ANSWER_HEAD, Buffer.from(address.split(".").map(Number)));
  }
  return Buffer.concat(parts);
}

const { ports, names } = JSON.parse(process.argv[2] ?? "") as OutsideSpec;
const listening = ports.map((port) =>
  once(createServer((socket) => socket.end()).listen(port, "0.0.0.0"), "listening"),
);
const nameServer = createSocket("udp4");
nameServer.on("message", (query, peer) => {
  const { name, end } = questionOf(query);
  process.stdout.write(`${name}\n`);
  nameServer.send(respond(query, names[name], end), peer.port, peer.address);
});
listening.push(once(nameServer.bind(53), "listening"));
await Promise.all(listening);
process.stdout.write("ready\n");
