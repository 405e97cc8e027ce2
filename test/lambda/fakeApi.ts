import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { z } from "zod";
import type {
  filesystemSchema,
  FirewallRule,
  firewallRulesetSchema,
  Instance,
  InstanceTypes,
} from "../../components/providers/lambda/objects.ts";
import { filesystemNameSchema, idsSchema, keySchema, launchSchema, ruleSchema, rulesetSchema } from "./apiRequests.ts";
import { Dice } from "./dice.ts";

/** How often, of a thousand requests, what goes wrong. */
export interface Faults {
  /** It is done, and the answer is lost. */
  lost: number;
  /** The request is lost, and nothing is done. */
  dropped: number;
  tooMany: number;
  serverError: number;
  /** Of launches: refused although capacity was advertised. */
  noCapacity: number;
  /** Of instances: they come up unhealthy. */
  unhealthy: number;
}

export const NO_FAULTS: Faults = { lost: 0, dropped: 0, tooMany: 0, serverError: 0, noCapacity: 0, unhealthy: 0 };

/** What is to be started: an instance as the launch asked for it. */
export interface WantedMachine {
  id: string;
  hostname: string;
  gpus: number;
  userData: string;
  publicKeys: readonly string[];
}

/** What an instance is in a test. */
export interface Machines {
  /** @returns its addresses. */
  start: (wanted: WantedMachine) => { ip: string; privateIp?: string };
  stop: (id: string) => void;
}

export interface FakeOptions {
  seed: number;
  faults: Faults;
  /** From the launch until it is active. */
  bootMs: number;
  /** From the launch until the list tells of it. */
  lateMs: number;
  /** From its end until it is terminated. */
  terminatingMs: number;
  /** Whether instances have private addresses. */
  privateIps: boolean;
  /** @default none: all have the address 127.0.0.1 */
  machines?: Machines;
}

const OPTIONS: FakeOptions = {
  ...{ seed: 1, faults: NO_FAULTS, bootMs: 30, lateMs: 0, terminatingMs: 20, privateIps: true },
};

type Filesystem = z.input<typeof filesystemSchema>;

interface Held {
  instance: Instance;
  bornAt: number;
  endedAt?: number;
  isUnhealthy: boolean;
}

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Lambda's API as far as hosts need it, with its delays and its faults, on the loopback. */
export class FakeLambda {
  readonly token = "key-of-the-fake-api";
  readonly options: FakeOptions;
  readonly types: InstanceTypes;
  readonly regions = [
    { name: "us-west-1", description: "California" },
    { name: "us-east-1", description: "Virginia" },
    { name: "europe-central-1", description: "Germany" },
  ];
  /** Type in a region that has none now, whatever is advertised. */
  readonly soldOut = new Set<string>();
  readonly keys = new Map<string, { id: string; name: string; public_key: string }>();
  readonly rulesets = new Map<string, z.infer<typeof firewallRulesetSchema>>();
  /** Instances that had one hold it for so many more requests. */
  heldRulesets = 0;
  readonly filesystems = new Map<string, Filesystem>();
  rules: FirewallRule[] = [{ protocol: "tcp", port_range: [22, 22], source_network: "0.0.0.0/0", description: "ssh" }];
  /** In what way the account is closed: `global/invalid-api-key`, `global/account-inactive`. */
  closed: { status: number; code: string } | undefined;
  /** Terminated instances stay. */
  stuck = false;
  /** METHOD PATH of each request, and when. */
  readonly requests: Array<{ what: string; at: number }> = [];
  /** Ids in the order of their launches. */
  readonly launched: string[] = [];
  readonly terminated: string[] = [];
  /** Most of one name that were billed at once. */
  mostOfAName = 0;
  baseUrl = "";
  private readonly addresses = new Map<string, ReturnType<Machines["start"]>>();
  private readonly held = new Map<string, Held>();
  /** Instance → rulesets that it was launched with. */
  readonly holders = new Map<string, readonly string[]>();
  private readonly dice: Dice;
  private readonly server: Server;
  private readonly inner: Server;

  constructor(options: Partial<FakeOptions> = {}) {
    this.options = { ...OPTIONS, ...options };
    this.dice = new Dice(this.options.seed);
    const type = (name: string, cents: number, gpus: number) => ({
      instance_type: {
        ...{ name, description: name, gpu_description: "A10 (24 GB)", price_cents_per_hour: cents },
        specs: { vcpus: 30, memory_gib: 200, storage_gib: 1400, gpus },
      },
      regions_with_capacity_available: [...this.regions],
    });
    const offers = [type("cpu_4x_general", 20, 0), type("gpu_1x_a10", 75, 1), type("gpu_8x_h100_sxm5", 2392, 8)];
    this.types = Object.fromEntries(offers.map((offer) => [offer.instance_type.name, offer]));
    this.server = createServer((request, response) => void this.answer(request, response));
    this.inner = createServer((request, response) => void this.answer(request, response));
  }

  /** Also on a socket, for what relays to it from where the loopback is another. */
  async listenAt(socket: string): Promise<void> {
    await new Promise<void>((resolve) => this.inner.listen(socket, resolve));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.baseUrl = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this.baseUrl;
  }

  close(): void {
    for (const server of [this.server, this.inner]) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** Instances that cost something now. */
  billed(): Instance[] {
    return [...this.held.values()].map((held) => this.seen(held)).filter(({ status }) => isBilled(status));
  }

  /** One that somebody else has launched. */
  foreign(name: string, tags: Instance["tags"] = []): string {
    const id = this.create(
      { region_name: "us-west-1", instance_type_name: "gpu_1x_a10", ssh_key_names: ["k"], name, tags },
      false,
    );
    const held = this.held.get(id);
    if (held) held.bornAt = 0;
    return id;
  }

  /** Lets the list tell of one only after so long. */
  appear(id: string, afterMs: number): void {
    const held = this.held.get(id);
    if (held) held.bornAt = Date.now() - this.options.lateMs + afterMs;
  }

  /** Ends one as its own page would. */
  end(id: string): void {
    const held = this.held.get(id);
    if (!held || held.endedAt !== undefined) return;
    held.endedAt = Date.now();
    this.options.machines?.stop(id);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const what = `${request.method ?? ""} ${url.pathname.replace(/^\/api\/v1/, "")}`;
    this.requests.push({ what, at: Date.now() });
    const body: unknown = request.method === "GET" || request.method === "DELETE" ? undefined : await json(request);
    const { faults } = this.options;
    if (this.dice.hits(faults.dropped)) return void request.socket.destroy();
    if (this.dice.hits(faults.tooMany)) return send(response, 429, "slow down");
    if (this.dice.hits(faults.serverError)) return send(response, 502, "<html>bad gateway</html>");
    try {
      if (request.headers.authorization !== `Bearer ${this.token}`) throw new Refusal(401, "global/invalid-api-key");
      if (this.closed) throw new Refusal(this.closed.status, this.closed.code);
      const data = this.route(what, body);
      if (this.dice.hits(faults.lost)) return void request.socket.destroy();
      send(response, 200, { data });
    } catch (error) {
      if (error instanceof z.ZodError) send(response, 400, fault("global/invalid-parameters", z.prettifyError(error)));
      else if (error instanceof Refusal) send(response, error.status, fault(error.code, error.message));
      else throw error;
    }
  }

  private route(what: string, body: unknown): unknown {
    const id = what.split("/").at(-1) ?? "";
    switch (what) {
      case "GET /instances":
        return [...this.held.values()]
          .filter(({ bornAt }) => Date.now() - bornAt >= this.options.lateMs)
          .map((held) => this.seen(held))
          .filter(({ status }) => status !== "terminated");
      case "GET /instance-types":
        return this.types;
      case "GET /regions":
        return this.regions;
      case "POST /instance-operations/launch":
        return { instance_ids: [this.launch(launchSchema.parse(body))] };
      case "POST /instance-operations/terminate":
        return { terminated_instances: this.terminate(idsSchema.parse(body).instance_ids) };
      case "GET /ssh-keys":
        return [...this.keys.values()];
      case "POST /ssh-keys":
        return this.register(keySchema.parse(body));
      case "GET /firewall-rulesets":
        return [...this.rulesets.values()].map((each) => ({ ...each, instance_ids: this.holding(each.id) }));
      case "POST /firewall-rulesets":
        return this.makeRuleset(rulesetSchema.parse(body));
      case "GET /file-systems":
        return [...this.filesystems.values()];
      case "POST /filesystems":
        return this.makeFilesystem(filesystemNameSchema.parse(body));
      case "GET /firewall-rules":
        return this.rules;
      case "PUT /firewall-rules":
        return (this.rules = z.strictObject({ data: z.array(ruleSchema) }).parse(body).data);
    }
    if (what.startsWith("GET /instances/")) return this.seen(this.find(id));
    if (what.startsWith("DELETE /ssh-keys/")) {
      if (!this.keys.delete(id)) throw new Refusal(404, "global/object-does-not-exist");
      return {};
    }
    const ruleset = this.rulesets.get(id);
    if (what.startsWith("PATCH /firewall-rulesets/") && ruleset) {
      ruleset.rules = z.strictObject({ rules: z.array(ruleSchema) }).parse(body).rules;
      return {};
    }
    if (what.startsWith("DELETE /firewall-rulesets/") && ruleset) {
      if (this.holding(id).length > 0 || this.heldRulesets-- > 0)
        throw new Refusal(400, "firewall-rulesets/firewall-ruleset-in-use");
      this.rulesets.delete(id);
      return {};
    }
    if (what.startsWith("DELETE /filesystems/")) {
      if (this.filesystems.get(id)?.is_in_use) throw new Refusal(400, "filesystems/filesystem-in-use");
      if (!this.filesystems.delete(id)) throw new Refusal(404, "global/object-does-not-exist");
      return { deleted_ids: [id] };
    }
    throw new Refusal(404, "global/not-found");
  }

  private makeRuleset({ name, region: wanted, rules }: z.infer<typeof rulesetSchema>): unknown {
    const region = this.regions.find((each) => each.name === wanted);
    if (!region) throw new Refusal(400, "global/invalid-parameters");
    const made = { id: this.dice.id(), name, region, rules, instance_ids: [] };
    this.rulesets.set(made.id, made);
    return made;
  }

  private makeFilesystem({ name, region: wanted }: z.infer<typeof filesystemNameSchema>): Filesystem {
    const region = this.regions.find((each) => each.name === wanted);
    if (!region) throw new Refusal(400, "global/invalid-parameters");
    if ([...this.filesystems.values()].some((each) => each.name === name)) throw new Refusal(400, "global/duplicate");
    const made = { id: this.dice.id(), name, mount_point: `/lambda/nfs/${name}`, is_in_use: false, region };
    this.filesystems.set(made.id, made);
    return made;
  }

  private launch(wanted: z.infer<typeof launchSchema>): string {
    const { region_name: region, instance_type_name: type, ssh_key_names: keys } = wanted;
    if (!this.types[type] || !this.regions.some(({ name }) => name === region))
      throw new Refusal(400, "global/invalid-parameters");
    if (![...this.keys.values()].some(({ name }) => name === keys[0]))
      throw new Refusal(400, "global/object-does-not-exist");
    for (const { id } of wanted.firewall_rulesets ?? [])
      if (this.rulesets.get(id)?.region?.name !== region) throw new Refusal(400, "global/object-does-not-exist");
    if (this.soldOut.has(`${type} ${region}`) || this.dice.hits(this.options.faults.noCapacity))
      throw new Refusal(400, "instance-operations/launch/insufficient-capacity");
    const id = this.create(wanted, this.dice.hits(this.options.faults.unhealthy));
    const { machines } = this.options;
    const open = [...this.keys.values()].filter(({ name }) => name === keys[0]).map((key) => key.public_key);
    if (machines) {
      const { hostname = "", user_data: userData = "" } = wanted;
      const gpus = this.types[type].instance_type.specs.gpus;
      this.addresses.set(id, machines.start({ id, hostname, gpus, userData, publicKeys: open }));
    }
    this.launched.push(id);
    this.holders.set(
      id,
      (wanted.firewall_rulesets ?? []).map((each) => each.id),
    );
    return id;
  }

  /** Instances that have a ruleset and are not terminated. */
  private holding(ruleset: string): string[] {
    const isOver = (id: string): boolean => {
      const held = this.held.get(id);
      return held === undefined || this.seen(held).status === "terminated";
    };
    return [...this.holders].filter(([id, rulesets]) => rulesets.includes(ruleset) && !isOver(id)).map(([id]) => id);
  }

  private create(wanted: z.infer<typeof launchSchema>, isUnhealthy: boolean): string {
    const id = this.dice.id();
    const offer = this.types[wanted.instance_type_name]?.instance_type;
    const region = this.regions.find(({ name }) => name === wanted.region_name);
    if (!offer || !region) throw new Refusal(400, "global/invalid-parameters");
    const { name, hostname, ssh_key_names, tags = [] } = wanted;
    const given = { ...(name === undefined ? {} : { name }), ...(hostname === undefined ? {} : { hostname }) };
    const instance: Instance = {
      ...{ id, ...given, status: "booting", ssh_key_names, file_system_names: [], region, instance_type: offer, tags },
    };
    this.held.set(id, { instance, bornAt: Date.now(), isUnhealthy });
    const same = this.billed().filter((each) => each.name === name).length;
    this.mostOfAName = Math.max(this.mostOfAName, same);
    return id;
  }

  private terminate(ids: readonly string[]): Instance[] {
    const all = ids.map((id) => this.find(id));
    for (const held of all) {
      this.terminated.push(held.instance.id);
      if (!this.stuck) this.end(held.instance.id);
    }
    return all.map((held) => this.seen(held));
  }

  private register({ name, public_key = "" }: z.infer<typeof keySchema>): unknown {
    if ([...this.keys.values()].some((key) => key.name === name)) throw new Refusal(400, "global/duplicate");
    const id = this.dice.id();
    this.keys.set(id, { id, name, public_key });
    return this.keys.get(id);
  }

  private find(id: string): Held {
    const held = this.held.get(id);
    if (!held || (held.endedAt !== undefined && Date.now() - held.endedAt > 4 * this.options.terminatingMs))
      throw new Refusal(404, "global/object-does-not-exist");
    return held;
  }

  /** As the clock has it. */
  private seen({ instance, bornAt, endedAt, isUnhealthy }: Held): Instance {
    const age = Date.now() - bornAt;
    if (endedAt !== undefined) {
      const isOver = Date.now() - endedAt >= this.options.terminatingMs;
      return { ...instance, status: isOver ? "terminated" : "terminating" };
    }
    if (age < this.options.bootMs) return instance;
    const status = isUnhealthy ? ("unhealthy" as const) : ("active" as const);
    // The address comes a moment after the word that it is active.
    if (age < 1.5 * this.options.bootMs) return { ...instance, status };
    const { ip, privateIp = "10.0.0.1" } = this.addresses.get(instance.id) ?? { ip: "127.0.0.1" };
    return { ...instance, status, ip, ...(this.options.privateIps ? { private_ip: privateIp } : {}) };
  }
}

function isBilled(status: Instance["status"]): boolean {
  return status === "booting" || status === "active" || status === "unhealthy";
}

function fault(code: string, message: string) {
  return { error: { code, message } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
