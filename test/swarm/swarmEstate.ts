import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { parse } from "yaml";
import { catalogue } from "../../components/catalogue/index.ts";
import { readKernelLimits, type KernelLimits } from "../../components/providers/kernelLimits.ts";
import { selfSigned } from "../e2e/certificates.ts";
import { places, type TestStack } from "../e2e/places.ts";
import { setSecret } from "../e2e/secretSetting.ts";
import { ensureSharedImages } from "../e2e/sharedImages.ts";
import { eventually, TestEstate } from "../e2e/testEstate.ts";
import { Lab } from "../lab/lab.ts";
import type { CallerReport, CallerSpec } from "../lab/caller.ts";
import type { LabHost } from "../lab/labHost.ts";

export interface SwarmEstateOptions {
  hosts: number;
  managers: number;
  /** Number of a host → size of its disk in MiB. @default the machine's own */
  disks?: Readonly<Record<number, number>>;
  /** Settings by their full keys; nodes, addresses and the certificate are put in. */
  config: Record<string, object | string>;
}

/** The settings of a worked stack in examples/. */
export function exampleConfig(name: string): SwarmEstateOptions["config"] {
  const file = join(import.meta.dirname, `../../examples/${name}/Pulumi.${name}.yaml`);
  return (parse(readFileSync(file, "utf8")) as { config: SwarmEstateOptions["config"] }).config;
}

/** One task of a service, where it is, and what its node's kernel enforces. */
export interface FoundTask {
  host: LabHost;
  containerId: string;
  pid: number;
  kernel: KernelLimits;
}

/** An estate on a swarm of a lab's hosts, and what tests do to it. */
export class SwarmEstate {
  readonly lab: Lab;
  readonly estate: TestEstate;
  readonly certificate: string;
  private readonly key: string;
  private readonly options: SwarmEstateOptions;
  private readonly port: number;
  private hasFolder = false;

  constructor(stack: TestStack, options: SwarmEstateOptions) {
    const { hosts, config, disks = {} } = options;
    this.options = options;
    this.port = places[stack].port;
    this.lab = new Lab(stack, { hosts, disks });
    const first = this.lab.host(1);
    const { certificate, key } = selfSigned(`${stack}.example.org`);
    this.certificate = certificate;
    this.key = key;
    const nodes: Record<string, object> = {};
    for (const { name, address } of this.lab.hosts)
      nodes[name] = name === first.name ? {} : { host: `ssh://root@${address}` };
    const merged = (setting: string, change: object) => ({ [setting]: { ...(config[setting] as object), ...change } });
    this.estate = new TestEstate(stack, {
      host: {
        docker: first.docker,
        env: { DOCKER_HOST: first.dockerHost, PATH: `${this.lab.ssh.bin}:${process.env["PATH"] ?? ""}` },
        enter: (command) => this.lab.enter(command),
      },
      config: {
        ...config,
        ...merged("mcp-estate:swarm", { nodes, monitorSeconds: 2, timeoutSeconds: 90 }),
        ...merged("mcp-estate:gateway", { port: this.port, bind: first.address, tls: { certificate } }),
        "mcp-estate:network": { range: places[stack].range },
        "mcp-estate:gate": { timeoutSeconds: 30 },
      },
    });
  }

  /** Hosts, swarm, the images that need a network, the stack; nothing is deployed yet. */
  async create(): Promise<void> {
    const { config, managers } = this.options;
    const servers = Object.entries(config["mcp-estate:servers"] as Record<string, { from?: string }>);
    const entries = servers.flatMap(([name, { from = name }]) => catalogue.get(from) ?? []);
    const tags = await ensureSharedImages(entries);
    await this.lab.up();
    await this.lab.swarm(managers);
    await this.lab.copyImages(tags, [1]);
    this.hasFolder = true;
    await this.estate.create();
    await this.estate.pulumi("stack", "init");
    await setSecret(this.estate, "mcp-estate:gateway.tls.key", this.key);
  }

  async dispose(): Promise<void> {
    try {
      if (this.hasFolder) await this.estate.dispose();
    } finally {
      await this.lab.down();
    }
  }

  get manager(): Docker {
    return this.lab.host(1).docker;
  }

  serviceName(component: string): string {
    return `mcp-estate-${this.estate.stack}-${component}`;
  }

  /** Changes the stack's settings; the key of the edge, which is encrypted, is set anew. */
  async configure(change: (config: Record<string, unknown>) => void): Promise<void> {
    this.estate.configure(change);
    await setSecret(this.estate, "mcp-estate:gateway.tls.key", this.key);
  }

  /** Declares the server `everything` in another way. */
  async everything(settings: object): Promise<void> {
    await this.configure((config) => {
      (config["mcp-estate:servers"] as Record<string, unknown>)["everything"] = settings;
    });
  }

  /** Changes how one node is declared. */
  async node(name: string, settings: { labels?: Record<string, string> }): Promise<void> {
    await this.configure((config) => {
      const { nodes } = config["mcp-estate:swarm"] as { nodes: Record<string, object> };
      const { host } = nodes[name] as { host?: string };
      nodes[name] = { ...(host ? { host } : {}), ...settings };
    });
  }

  /** Running containers of a component, on all hosts that answer. */
  async tasks(component: string): Promise<FoundTask[]> {
    const filters = { label: [`com.docker.swarm.service.name=${this.serviceName(component)}`], status: ["running"] };
    const each = this.lab.hosts.map(async (host) => {
      const found = await host.docker.listContainers({ filters }).catch(() => []);
      return Promise.all(
        found.map(async ({ Id }) => {
          const pid = (await host.docker.getContainer(Id).inspect()).State.Pid;
          return { host, containerId: Id, pid, kernel: await readKernelLimits(pid) };
        }),
      );
    });
    return (await Promise.all(each)).flat();
  }

  /** A request to the edge of a host. @returns status and body. */
  async ask(
    path: string,
    { host = this.lab.host(1), body }: { host?: LabHost; body?: object } = {},
  ): Promise<{ status: number; body: unknown }> {
    const token = await this.estate.token();
    const [program = "", ...args] = this.lab.enter([
      ...["curl", "--silent", "--insecure", "--max-time", "32", "--write-out", "\n%{http_code}"],
      ...["--header", `authorization: Bearer ${token}`, "--header", "content-type: application/json"],
      ...(body ? ["--data", JSON.stringify(body)] : []),
      `https://${host.address}:${this.port}${path}`,
    ]);
    const answer = await text(spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] }).stdout);
    const at = answer.lastIndexOf("\n");
    const status = Number(answer.slice(at + 1));
    return { status, body: status === 0 ? undefined : (JSON.parse(answer.slice(0, at)) as unknown) };
  }

  execute(server: string, tool: string, args: object, host?: LabHost): Promise<{ status: number; body: unknown }> {
    return this.ask("/execute", { body: { server, tool, arguments: args }, ...(host ? { host } : {}) });
  }

  /**
   * Kills a node that runs a gateway and waits until all three run elsewhere, which may take 30 s once the loss is seen.
   * @returns milliseconds until Docker saw the loss, and from then until they ran.
   */
  async lose(victim: LabHost): Promise<{ seenMs: number; backMs: number }> {
    const isThere = (await this.tasks("gateway")).some(({ host }) => host === victim);
    assert.ok(isThere, `${victim.name} runs a gateway`);
    await victim.kill();
    const lost = Date.now();
    await eventually(async () => {
      const nodes = (await this.manager.listNodes()) as unknown as {
        Description: { Hostname: string };
        Status: { State: string };
      }[];
      assert.equal(nodes.find(({ Description }) => Description.Hostname === victim.name)?.Status.State, "down");
    }, 60_000);
    const seen = Date.now();
    await eventually(async () => assert.equal((await this.tasks("gateway")).length, 3), 30_000);
    return { seenMs: seen - lost, backMs: Date.now() - seen };
  }

  /** Calls all hosts' edges in turn while `work` goes on and two seconds longer. */
  async underLoad<T>(
    work: () => Promise<T>,
    { hosts = this.lab.hosts, calls }: { hosts?: readonly LabHost[]; calls: CallerSpec["calls"] },
  ): Promise<{ result: T; report: CallerReport }> {
    const spec: CallerSpec = {
      urls: hosts.map(({ address }) => `https://${address}:${this.port}`),
      token: await this.estate.token(),
      certificate: this.certificate,
      callsPerSecond: 50,
      calls,
    };
    const [program = "", ...args] = this.lab.enter([
      process.execPath,
      join(import.meta.dirname, "../lab/caller.ts"),
      JSON.stringify(spec),
    ]);
    const caller = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    const said = text(caller.stdout);
    let result: T;
    try {
      result = await work();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    } finally {
      caller.stdin.end();
    }
    const report = JSON.parse(await said) as CallerReport;
    console.log(`      ${report.calls} calls, ${report.lost.length} lost, the longest took ${report.longestMs} ms`);
    for (const each of report.lost.slice(0, 3)) console.log(`      lost: ${JSON.stringify(each)}`);
    assert.ok(report.calls > 50, `${report.calls} calls`);
    return { result, report };
  }
}
