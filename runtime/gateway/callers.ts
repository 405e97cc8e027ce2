import type { IncomingMessage } from "node:http";
import { OWNER, type GatewayContract } from "../contract/index.ts";
import { Fault } from "../wire/faults.ts";
import { readAuth, type BearerAuth, type Credential } from "./auth.ts";
import { FailureLimiter } from "./failureLimiter.ts";
import { Principal } from "./principal.ts";
import type { RoutedServer } from "./routedServer.ts";
import type { VisibleServers } from "./visibleServers.ts";

/** A caller whose token was right. */
export interface Authenticated {
  readonly principal: Principal;
  readonly credential: Credential;
}

/** All who may call, by their tokens. */
export class Callers {
  readonly #secretsDir: string;
  readonly #servers: ReadonlyMap<string, RoutedServer>;
  readonly #failures = new FailureLimiter();
  #auth: BearerAuth;
  #principals: ReadonlyMap<string, Principal>;

  /** @param servers by name; may change later on. Throws ContractError when the tokens cannot be read. */
  constructor(secretsDir: string, contract: GatewayContract, servers: ReadonlyMap<string, RoutedServer>) {
    this.#secretsDir = secretsDir;
    this.#servers = servers;
    this.#auth = readAuth(secretsDir, contract);
    this.#principals = this.#principalsOf(contract, new Map());
  }

  get names(): readonly string[] {
    return [...this.#principals.keys()];
  }

  /**
   * Takes new tokens and rights. Who keeps its rights stays the same Principal. Throws ContractError, and all is as it
   * was.
   */
  reload(contract: GatewayContract): void {
    this.#auth = readAuth(this.#secretsDir, contract);
    this.#principals = this.#principalsOf(contract, this.#principals);
  }

  /**
   * @param address where the request comes from.
   * Throws Fault: "unauthorised" (401); "too-many" (429) where that comes too often, never to one whose token is right.
   */
  authenticate({ headers }: IncomingMessage, address = ""): Authenticated {
    try {
      const credential = this.#auth.check(headers.authorization);
      const principal = this.#principals.get(credential.principal);
      if (principal === undefined) throw new Fault("unauthorised", "the bearer token is wrong");
      return { principal, credential };
    } catch (error) {
      const seconds = this.#failures.take(address);
      if (seconds === 0) throw error;
      throw new Fault("too-many", "too many requests without a valid token", { retryAfterSeconds: Math.ceil(seconds) });
    }
  }

  /** Has this principal, by its name, still the rights to see just these? */
  sees(name: string, servers: VisibleServers): boolean {
    return this.#principals.get(name)?.servers === servers;
  }

  /** Would this caller still get in as what it was? */
  holds({ principal, credential }: Authenticated): boolean {
    return this.#auth.accepts(credential) && this.#principals.get(principal.name) === principal;
  }

  #principalsOf({ principals = [] }: GatewayContract, known: ReadonlyMap<string, Principal>): Map<string, Principal> {
    const wanted = [{ name: OWNER, admin: true }, ...principals];
    return new Map(
      wanted.map((contract): [string, Principal] => {
        const same = known.get(contract.name);
        if (same?.hasRightsOf(contract) !== true) return [contract.name, new Principal(contract, this.#servers)];
        same.limitRate(contract.rateLimit);
        return [contract.name, same];
      }),
    );
  }
}
