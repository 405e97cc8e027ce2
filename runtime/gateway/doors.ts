import type { Server } from "node:http";
import type { Logger } from "../wire/log.ts";
import { addressIn } from "./addresses.ts";
import { NEAR_PORT } from "../contract/index.ts";
import type { Gateway } from "./gateway.ts";
import { createGatewayServer } from "./httpServer.ts";
import { createNearServer } from "./nearServer.ts";

/** A proxy that asks every quarter of a second is to find an open door as soon as there is one. */
const LOOK_MS = 50;

/** Where requests come in: one HTTP server for each address. */
export class Doors {
  readonly #gateway: Gateway;
  readonly #port: number;
  readonly #log: Logger;
  readonly #servers: Server[] = [];
  #closing = false;

  constructor(gateway: Gateway, port: number, log: Logger) {
    this.#gateway = gateway;
    this.#port = port;
    this.#log = log;
  }

  /** Listens at an address of this host. Rejects when it cannot. */
  open(address: string): Promise<void> {
    return this.#listen(createGatewayServer(this.#gateway), this.#port, address);
  }

  #listen(server: Server, port: number, address: string): Promise<void> {
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.on("error", reject);
      server.listen(port, address, () => {
        this.#log.info({ event: "listening", address: server.address() });
        resolve();
      });
    });
  }

  /**
   * Listens for a proxy, on its network alone, once the gateway has word of every server. A closed port tells the proxy
   * to go elsewhere and costs no call, where an answer that says "not yet" is a call lost.
   * @param subnet IPv4 block of the proxy's network.
   * @param node name of this node, where there are several.
   * @throws Error when this host has no address there.
   */
  async openTo(subnet: string, node?: string): Promise<void> {
    const address = addressIn(subnet);
    if (address === undefined)
      throw new Error(`no address of this container is in ${subnet}, the network of its proxy`);
    while (this.#gateway.readiness().state === "starting") await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (this.#closing) return;
    await this.open(address);
    if (node !== undefined) await this.#listen(createNearServer(this.#gateway, node), NEAR_PORT, address);
  }

  /** Takes no new connection. Resolves when all requests have ended. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  closeIdle(): void {
    for (const server of this.#servers) server.closeIdleConnections();
  }

  closeAll(): void {
    for (const server of this.#servers) server.closeAllConnections();
  }
}
