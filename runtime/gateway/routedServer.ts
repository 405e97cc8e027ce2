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
  /** Calls that may wait while it is being replaced or restarted. */
  readonly maxHeld: () => number;
}

/** What a call asks of the instance that takes it. */
export interface CallWish {
  /** Calls with the same one go to the same instance. */
  readonly affinity?: string | undefined;
  readonly avoided?: ReadonlySet<Upstream>;
  /** Tool that is called, where it is one. */
  readonly tool?: string | undefined;
}

const NO_WISH: CallWish = {};

/** A declared server: its instances, and which of them takes a call (R-GW-10). */
export class RoutedServer {
  readonly #options: RoutedServerOptions;
  readonly #upstreams = new Map<string, Upstream>();
  /** Replaced by one of the same name that takes no calls yet: they go on until it does. */
  readonly #outgoing = new Set<Upstream>();
  /** Lost calls that were done once more. */
  repeats = 0;
  #contract: GatewayServer;
  #turn = 0;
  #held = 0;

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

  /** Whether an instance has the GPU that it asks for; undefined where it asks for none. */
  gpuOf(instance: string): boolean | undefined {
    return this.#contract.instances.find(({ name }) => name === instance)?.gpu;
  }

  /** What its instances say together. */
  get state(): UpstreamState {
    return mergeStates(this.#serving);
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
   * The instance for a call: of the healthy ones that with the fewest calls, for a tool that asks for a GPU of those that
   * have one, if any; or, with an `affinity`, always the same. Throws Fault "unavailable" (503) that names the server and
   * says why.
   */
  pick({ affinity, avoided, tool }: CallWish = NO_WISH): Upstream {
    this.#releaseOutgoing();
    const usable = this.#serving.filter((upstream) => upstream.routable && avoided?.has(upstream) !== true);
    const [only] = usable;
    if (only === undefined) throw this.unavailable();
    if (usable.length === 1) return only;
    return affinity === undefined ? this.#leastBusy(this.#preferred(usable, tool)) : byAffinity(usable, affinity);
  }

  #preferred(usable: readonly Upstream[], tool: string | undefined): readonly Upstream[] {
    if (tool === undefined || this.#contract.gpuTools?.includes(tool) !== true) return usable;
    const preferred = usable.filter(({ name }) => this.gpuOf(name) === true);
    return preferred.length > 0 ? preferred : usable;
  }

  /** Can any instance take a call? */
  get routable(): boolean {
    return this.#serving.some(({ routable }) => routable);
  }

  /** Throws Fault "unavailable" (503) that names the server and says why, unless a call can wait for it. */
  requireRoutable(): void {
    if (!this.routable && !this.paused) throw this.unavailable();
  }

  /** Calls that wait for it, or have waited and are not over yet. */
  get held(): number {
    return this.#held;
  }

  /** Lets one more call wait for a paused server. Throws Fault "overloaded" (503) when too many do. */
  hold(): void {
    if (this.#held >= this.#options.maxHeld()) {
      throw new Fault(
        "overloaded",
        `${this.name} is being replaced or restarted, and ${this.#held} calls wait for it already`,
      );
    }
    this.#held += 1;
  }

  release(): void {
    this.#held -= 1;
  }

  /** Is it worth waiting for? */
  get paused(): boolean {
    return this.#serving.some(({ paused }) => paused);
  }

  /** Is what was refused worth another try, although it seems to be back? */
  get pausedLately(): boolean {
    return this.#serving.some(({ pausedLately }) => pausedLately);
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
      const wanted = contract.instances.find(({ name }) => name === upstream.name);
      if (wanted?.url === upstream.url) continue;
      this.#upstreams.delete(upstream.name);
      if (wanted === undefined) this.#options.retire(upstream);
      else this.#outgoing.add(upstream);
    }
    for (const instance of contract.instances) if (!this.#upstreams.has(instance.name)) this.#add(instance);
  }

  /** Ends all of it. */
  retireAll(): void {
    for (const upstream of [...this.#upstreams.values(), ...this.#outgoing]) this.#options.retire(upstream);
    this.#upstreams.clear();
    this.#outgoing.clear();
  }

  /** Those that may take a call: the declared ones, and until one of them can, those that they replace. */
  get #serving(): readonly Upstream[] {
    const declared = this.upstreams;
    if (this.#outgoing.size === 0 || declared.every(({ routable }) => routable)) return declared;
    return [...declared, ...this.#outgoing];
  }

  #releaseOutgoing(): void {
    if (this.#outgoing.size === 0 || !this.upstreams.every(({ routable }) => routable)) return;
    for (const upstream of this.#outgoing) this.#options.retire(upstream);
    this.#outgoing.clear();
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
