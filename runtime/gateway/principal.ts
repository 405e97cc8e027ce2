import { isDeepStrictEqual } from "node:util";
import type { PrincipalContract } from "../contract/index.ts";
import { Fault } from "../wire/faults.ts";
import type { RoutedServer } from "./routedServer.ts";
import { TokenBucket } from "./tokenBucket.ts";
import { VisibleServers } from "./visibleServers.ts";

/** Who may call, and what. */
export class Principal {
  readonly name: string;
  /** May it see what is of the estate as a whole: its metrics? */
  readonly admin: boolean;
  readonly servers: VisibleServers;
  readonly #scopes: PrincipalContract["scopes"];
  #limit: PrincipalContract["rateLimit"];
  #bucket: TokenBucket | undefined;

  /** @param all servers by name; may change later on. */
  constructor({ name, admin = false, scopes, rateLimit }: PrincipalContract, all: ReadonlyMap<string, RoutedServer>) {
    this.name = name;
    this.admin = admin;
    this.servers = new VisibleServers(all, scopes);
    this.#scopes = scopes;
    this.limitRate(rateLimit);
  }

  /** Has it the rights that the contract gives? */
  hasRightsOf({ admin = false, scopes }: PrincipalContract): boolean {
    return admin === this.admin && isDeepStrictEqual(scopes, this.#scopes);
  }

  limitRate(limit: PrincipalContract["rateLimit"]): void {
    if (isDeepStrictEqual(limit, this.#limit)) return;
    this.#limit = limit;
    this.#bucket = limit === undefined ? undefined : new TokenBucket(limit.requestsPerSecond, limit.burst);
  }

  /** Counts one request. Throws Fault "too-many" (429) that says when to come again. */
  admit(): void {
    const seconds = this.#bucket?.take() ?? 0;
    if (seconds === 0) return;
    const { requestsPerSecond, burst } = this.#limit ?? {};
    const text = `more than ${requestsPerSecond} requests per second, ${burst} at once`;
    throw new Fault("too-many", text, { retryAfterSeconds: Math.ceil(seconds) });
  }
}
