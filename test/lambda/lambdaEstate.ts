import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { catalogue } from "../../components/catalogue/index.ts";
import { selfSigned } from "../e2e/certificates.ts";
import { places } from "../e2e/places.ts";
import { setSecret } from "../e2e/secretSetting.ts";
import { ensureSharedImages } from "../e2e/sharedImages.ts";
import { docker, TestEstate } from "../e2e/testEstate.ts";
import { Lab } from "../lab/lab.ts";
import type { LabHost } from "../lab/labHost.ts";
import { ensureSshServer } from "../lab/sshAccess.ts";
import { FakeLambda } from "./fakeApi.ts";
import { LabMachines } from "./labMachines.ts";

const STACK = "lambda";
/** Of the API, where the commands run. */
const API_PORT = 8088;
const ROOM_MIB = 50_000;

export interface LambdaEstateOptions {
  /** Machines that can be launched in all. */
  hosts: number;
  /** `mcp-estate:hosts.lambda.machines`. */
  machines: Record<string, object>;
  /** Settings by their full keys; target, machines, addresses and the certificate are put in. */
  config: Record<string, object | string>;
}

/** An estate on machines that the stand-in of Lambda's API launches: a lab's hosts, each with a Docker and an ssh server. */
export class LambdaEstate {
  readonly lab: Lab;
  readonly fake: FakeLambda;
  readonly estate: TestEstate;
  private machines: LabMachines | undefined;
  private readonly options: LambdaEstateOptions;
  private readonly key: string;
  private relay: ChildProcess | undefined;

  constructor(options: LambdaEstateOptions) {
    this.options = options;
    this.lab = new Lab(STACK, { hosts: options.hosts, bare: true });
    this.fake = new FakeLambda({ bootMs: 4000, terminatingMs: 2000 });
    const { certificate, key } = selfSigned(`${STACK}.example.org`);
    this.key = key;
    const { port, range } = places[STACK];
    const lambda = {
      ...{ tokenFile: join(this.lab.folder, "token"), baseUrl: `http://127.0.0.1:${API_PORT}`, user: "root" },
      ...{ regions: ["us-west-1"], types: ["gpu_1x_a10"], maxHourlyPrice: 1, gatewayPort: port, manager: "main" },
      machines: options.machines,
    };
    const given = (name: string): object => options.config[`mcp-estate:${name}`] as object;
    this.estate = new TestEstate(STACK, {
      // Nothing of it is on this machine's Docker.
      host: { docker, env: {}, enter: (command) => this.lab.enter(command) },
      config: {
        ...options.config,
        "mcp-estate:target": "swarm",
        "mcp-estate:hosts": { lambda },
        "mcp-estate:swarm": { monitorSeconds: 2, timeoutSeconds: 90, ...given("swarm") },
        "mcp-estate:gateway": { port, tls: { certificate }, ...given("gateway") },
        "mcp-estate:network": { range },
        "mcp-estate:gate": { timeoutSeconds: 30 },
      },
    });
  }

  /** The API, a network of machines that nobody has launched, the stack; nothing is deployed. */
  async create(): Promise<void> {
    const servers = Object.entries(this.options.config["mcp-estate:servers"] as Record<string, { from?: string }>);
    const entries = servers.flatMap(([name, { from = name }]) => catalogue.get(from) ?? []);
    const images = await ensureSharedImages(entries);
    await ensureSshServer();
    await this.lab.up();
    this.machines = new LabMachines(this.lab, { images, diskMiB: ROOM_MIB, manager: this.hostName("main") });
    this.fake.options.machines = this.machines;
    const socket = join(this.lab.folder, "api.sock");
    await this.fake.listenAt(socket);
    writeFileSync(join(this.lab.folder, "token"), this.fake.token, { mode: 0o600 });
    const relay = join(import.meta.dirname, "../lab/relay.ts");
    const [program = "", ...args] = this.lab.enter([process.execPath, relay, String(API_PORT), socket]);
    this.relay = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    assert.ok(this.relay.stdout);
    await once(this.relay.stdout, "data");
    await this.estate.create();
    await this.estate.pulumi("stack", "init");
    await this.setKey();
  }

  async dispose(): Promise<void> {
    try {
      await this.estate.discard();
      await this.machines?.end();
    } finally {
      this.relay?.kill();
      this.fake.close();
      await this.lab.down();
    }
  }

  /** Changes the stack's settings; the key of the edge, which is encrypted, is set anew. */
  async configure(change: (config: Record<string, unknown>) => void): Promise<void> {
    this.estate.configure(change);
    await this.setKey();
  }

  private async setKey(): Promise<void> {
    await setSecret(this.estate, "mcp-estate:gateway.tls.key", this.key);
  }

  /** Of the setting's name, as it is billed now. */
  machine(name: string): { id: string; host: LabHost } {
    const found = this.fake.billed().find((each) => each.name === this.hostName(name));
    assert.ok(found && this.machines, `machine ${name} is there`);
    return { id: found.id, host: this.machines.host(found.id) };
  }

  /** Launches other machines from the next `npm run hosts` on. */
  declare(machines: Record<string, object>): Promise<void> {
    return this.configure((config) => {
      (config["mcp-estate:hosts"] as { lambda: { machines: object } }).lambda.machines = machines;
    });
  }

  /** The running task of a server: the machine that it is on, by its setting's name, and its environment. */
  async task(component: string): Promise<{ machine: string; env: readonly string[] }> {
    const filters = { label: [`com.docker.swarm.service.name=${this.hostName(component)}`], status: ["running"] };
    const each = this.fake.billed().map(async ({ id, name = "" }) => {
      const { docker } = this.machines?.host(id) ?? assert.fail();
      const found = await docker.listContainers({ filters });
      const inspected = await Promise.all(found.map(({ Id }) => docker.getContainer(Id).inspect()));
      return inspected.map(({ Config }) => ({ machine: name.replace(this.hostName(""), ""), env: Config.Env }));
    });
    const [task, ...more] = (await Promise.all(each)).flat();
    assert.ok(task && more.length === 0, `${component} has one task`);
    return task;
  }

  /** Value of a metric of the gateway, by its name and labels. */
  async metric(series: string): Promise<number> {
    const { body } = await this.ask("/metrics", "main");
    const line = body.split("\n").find((each) => each.startsWith(`${series} `));
    assert.ok(line, `no series ${series} in:\n${body}`);
    return Number(line.slice(series.length));
  }

  hostName(name: string): string {
    return `mcp-estate-${STACK}-${name}`;
  }

  /** Setting's name → state in the swarm, of all nodes that it knows. */
  async nodes(): Promise<Record<string, string>> {
    const nodes = (await this.machine("main").host.docker.listNodes()) as unknown as {
      Description: { Hostname: string };
      Status: { State: string };
    }[];
    const prefix = this.hostName("");
    return Object.fromEntries(
      nodes
        .map(({ Description, Status }) => [Description.Hostname.replace(prefix, ""), Status.State] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }

  /** Names of all containers on all machines that are billed. */
  async containers(): Promise<string[]> {
    const hosts = this.fake.billed().flatMap(({ id }) => this.machines?.host(id) ?? []);
    const lists = await Promise.all(hosts.map(({ docker }) => docker.listContainers({ all: true })));
    return lists.flat().map(({ Names }) => Names.join());
  }

  /** A request to a machine's edge, from outside. @returns status and body. */
  async ask(path: string, name: string, body?: object): Promise<{ status: number; body: string }> {
    const [program = "", ...args] = this.lab.enter([
      ...["curl", "--silent", "--insecure", "--max-time", "32", "--write-out", "\n%{http_code}"],
      ...["--header", `authorization: Bearer ${await this.estate.token()}`],
      ...["--header", "content-type: application/json", ...(body ? ["--data", JSON.stringify(body)] : [])],
      `https://${this.machine(name).host.address}:${places[STACK].port}${path}`,
    ]);
    const answer = await text(spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] }).stdout);
    const at = answer.lastIndexOf("\n");
    return { status: Number(answer.slice(at + 1)), body: answer.slice(0, at) };
  }

  execute(call: { server: string; tool: string; arguments: object }, name: string) {
    return this.ask("/execute", name, call);
  }
}
