/**
 * Tries, from the container that it runs in, what can be reached. Its one argument is the question as JSON; it prints the
 * answer. It is handed over as text, so it imports nothing but Node's own.
 */
import { Resolver } from "node:dns/promises";
import { request } from "node:http";
import { connect } from "node:net";

export interface NetworkQuestion {
  /** `ADDRESS:PORT` of each, to be connected over TCP. */
  connect: readonly string[];
  /** Each to be looked up (A), with the container's own resolver or with the server at an IPv4 address. */
  resolve: ReadonlyArray<{ name: string; server?: string }>;
  /** `HOST:PORT` of each, to be reached by a tunnel of the proxy. */
  tunnel: readonly string[];
  /** `ADDRESS:PORT`. */
  proxy?: string | undefined;
}

/** Of each list what was reached. */
export interface NetworkAnswer {
  connect: string[];
  /** Names. */
  resolve: string[];
  tunnel: string[];
}

/** Longer than a full handshake on one host takes on a busy machine. */
const PATIENCE_MS = 2000;

function target(place: string): { host: string; port: number } {
  const colon = place.lastIndexOf(":");
  return { host: place.slice(0, colon), port: Number(place.slice(colon + 1)) };
}

function connects(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...target(place), timeout: PATIENCE_MS });
    const end = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}

function tunnels(proxy: string, place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...target(proxy), method: "CONNECT", path: place, timeout: PATIENCE_MS });
    asked.once("connect", ({ statusCode }, socket) => {
      socket.destroy();
      resolve(statusCode === 200);
    });
    asked.once("timeout", () => asked.destroy(new Error("no answer")));
    asked.once("error", () => resolve(false));
    asked.end();
  });
}

/** Not by getaddrinfo, which takes a thread for each. */
async function resolves(name: string, server?: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: PATIENCE_MS, tries: 1 });
  if (server) resolver.setServers([server]);
  return resolver.resolve4(name).then(
    (addresses) => addresses.length > 0,
    () => false,
  );
}

async function those<T>(list: readonly T[], reached: (item: T) => Promise<boolean>): Promise<T[]> {
  const results = await Promise.all(list.map(reached));
  return list.filter((_, index) => results[index]);
}

const question = JSON.parse(process.argv[1] ?? "") as NetworkQuestion;
const { proxy } = question;
const [connected, resolved, tunnelled] = await Promise.all([
  those(question.connect, connects),
  those(question.resolve, ({ name, server }) => resolves(name, server)),
  those(question.tunnel, (place) => (proxy ? tunnels(proxy, place) : Promise.resolve(false))),
]);
const answer: NetworkAnswer = { connect: connected, resolve: resolved.map(({ name }) => name), tunnel: tunnelled };
process.stdout.write(JSON.stringify(answer));
