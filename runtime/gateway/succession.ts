import { resolve4 } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { addressIn, blockOf } from "./addresses.ts";

/** What a gateway tells of itself on `/ready`. */
export interface Peer {
  /** It takes calls. */
  ready: boolean;
  /** When its program started, in ms since 1970. */
  since: number;
}

export interface SuccessionOptions {
  /** Name that all gateways of the estate have on the proxy's network. */
  name: string;
  /** IPv4 block of that network: who has the name elsewhere is no gateway. */
  subnet: string;
  port: number;
  /** @default now */
  since?: number;
  /** Addresses behind a name. @default as the container's name server has it */
  resolve?: (name: string) => Promise<string[]>;
  /** Asks another gateway; undefined when nobody answers. @default GET /ready */
  ask?: (address: string, port: number) => Promise<Peer | undefined>;
  /** This gateway's own address. @default the one in `subnet` */
  own?: string | undefined;
}

const LOOK_MS = 250;
const ASK_MS = 1000;
/** The proxy asks each gateway every 0.5 s: by then it has heard that an older one steps back. */
const HEARD_MS = 700;
/** An older one that has not stepped back by then never will. */
const PATIENCE_MS = 5000;

/**
 * Which of several gateways takes the calls: while a new one runs beside an old one, the new one, as soon as it is ready.
 * Each looks after the others by their common name, so nobody has to tell them, and the old one is back at once when the
 * new one goes.
 */
export class Succession {
  readonly since: number;
  readonly #options: Required<Omit<SuccessionOptions, "own">> & Pick<SuccessionOptions, "own">;
  readonly #subnet: ReturnType<typeof blockOf>;
  #newer = false;
  /** When an older one that takes calls was last seen; undefined before the first look. */
  #olderSeen: number | undefined;
  #began = Date.now();
  #watching = false;

  constructor(options: SuccessionOptions) {
    const { subnet } = options;
    this.#options = { resolve: resolve4, ask: askReady, own: addressIn(subnet), since: Date.now(), ...options };
    this.since = this.#options.since;
    this.#subnet = blockOf(subnet);
  }

  /** A newer one takes the calls. */
  get isSuperseded(): boolean {
    return this.#newer;
  }

  /** No older one takes calls any more, and the proxy knows. */
  get isSettled(): boolean {
    if (this.#olderSeen === undefined) return false;
    const now = Date.now();
    return now - this.#olderSeen >= HEARD_MS || now - this.#began >= PATIENCE_MS;
  }

  /** Looks every quarter of a second, until `stop`. */
  watch(): void {
    this.#watching = true;
    this.#began = Date.now();
    void (async () => {
      while (this.#watching) {
        await this.look();
        await sleep(LOOK_MS, undefined, { ref: false });
      }
    })();
  }

  stop(): void {
    this.#watching = false;
  }

  /** Asks all others once. */
  async look(): Promise<void> {
    const { name, port, own, resolve, ask } = this.#options;
    const addresses = await resolve(name).catch(() => []);
    const others = addresses.filter((address) => address !== own && this.#subnet.check(address));
    const peers = await Promise.all(others.map((address) => ask(address, port)));
    const ready = peers.filter((peer) => peer?.ready === true);
    this.#newer = ready.some((peer) => (peer?.since ?? 0) > this.since);
    const older = ready.some((peer) => (peer?.since ?? 0) < this.since);
    // At the first look nobody is seen "just now": a lone gateway is settled at once.
    if (older) this.#olderSeen = Date.now();
    else this.#olderSeen ??= 0;
  }
}

async function askReady(address: string, port: number): Promise<Peer | undefined> {
  try {
    const response = await fetch(`http://${address}:${port}/ready`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(ASK_MS),
    });
    const { since = 0 } = (await response.json()) as { since?: number };
    return { ready: response.status === 200, since };
  } catch {
    return undefined;
  }
}
