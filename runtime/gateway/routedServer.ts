import { createHash } from "node:crypto";
import type { GatewayServer, Instance } from "../contract/index.ts";
import { Fault } from "../wire/faults.ts";
import type { Upstream } from "./upstream.ts";
import { mergeStates, type UpstreamState } from "./upstreamState.ts";

export interface RoutedServerOptions {
  readonly contract: GatewayServer;
  readonly connect: (instance: Instance) => Upstream;
  /** Ends an instance that is no longer declared. */
  readonly retire: (upstream: Upstream) => void;
}

/** A declared server: its instances, and which of them takes a call (R-GW-10). */
export class RoutedServer {
  readonly #options: RoutedServerOptions;
  readonly #upstreams = new Map<string, Upstream>();
  /** Lost calls that were done once more. */
  repeats = 0;
  #contract: GatewayServer;
  #turn = 0;

  constructor(options: RoutedServerOptions) {
    this.#options = options;
    this.#contract = options.contract;
    for (const instance of options.contract.instances) this.#add(instance);
  }

  get name(): string {
    return this.#contract.name;
  }

  get contract(): GatewayServer {
    return this.#contract;
  }

  get upstreams(): readonly Upstream[] {
    return [...this.#upstreams.values()];
  }

  upstream(instance: string): Upstream | undefined {
    return this.#upstreams.get(instance);
  }

  /** What its instances say together. */
  get state(): UpstreamState {
    return mergeStates(this.upstreams);
  }

  /** May this tool run twice? */
  isRepeatable(tool: string | undefined): boolean {
    return tool !== undefined && this.#contract.repeatableTools?.includes(tool) === true;
  }

  /** Callers of an isolated server come back to the instance that holds their state; those of a shared one to any. */
  affinityOf(principal: string): string | undefined {
    return this.#contract.sharing === "isolated" ? principal : undefined;
  }

  /**
   * The instance for a call: of the healthy ones that with the fewest calls, or, with an `affinity`, always the same.
   * Throws Fault "unavailable" (503) that names the server and says why.
   */
  pick(affinity?: string, avoided: ReadonlySet<Upstream> = new Set()): Upstream {
    const usable = this.upstreams.filter((upstream) => upstream.routable && !avoided.has(upstream));
    const [only] = usable;
    if (only === undefined) throw this.unavailable();
    if (usable.length === 1) return only;
    return affinity === undefined ? this.#leastBusy(usable) : byAffinity(usable, affinity);
  }

  /** Can any instance take a call? */
  get routable(): boolean {
    return this.upstreams.some(({ routable }) => routable);
  }

  /** Throws Fault "unavailable" (503) that names the server and says why. */
  requireRoutable(): void {
    if (!this.routable) throw this.unavailable();
  }

  unavailable(): Fault {
    const reasons = this.upstreams.map(({ name, reason }) =>
      this.#upstreams.size === 1 ? reason : `${name}: ${reason}`,
    );
    return new Fault("unavailable", `${this.name} has no healthy instance: ${reasons.join("; ")}`);
  }

  /** Takes the contract's new word; instances that stay keep their connections and calls. */
  update(contract: GatewayServer): void {
    this.#contract = contract;
    for (const upstream of this.upstreams) {
      const stays = contract.instances.some(({ name, url }) => name === upstream.name && url === upstream.url);
      if (stays) continue;
      this.#upstreams.delete(upstream.name);
      this.#options.retire(upstream);
    }
    for (const instance of contract.instances) if (!this.#upstreams.has(instance.name)) this.#add(instance);
  }

  #add(instance: Instance): void {
    this.#upstreams.set(instance.name, this.#options.connect(instance));
  }

  /** Equal ones take turns. */
  #leastBusy(usable: readonly Upstream[]): Upstream {
    this.#turn += 1;
    const at = this.#turn % usable.length;
    const turned = [...usable.slice(at), ...usable.slice(0, at)];
    return turned.reduce((best, upstream) => (upstream.outstanding < best.outstanding ? upstream : best));
  }
}

/** Rendezvous hashing: every gateway finds the same one, and the loss of another moves nobody. */
function byAffinity(usable: readonly Upstream[], affinity: string): Upstream {
  const score = ({ name }: Upstream): string => createHash("sha256").update(`${name}\0${affinity}`).digest("hex");
  return usable.reduce((best, upstream) => (score(upstream) > score(best) ? upstream : best));
}
