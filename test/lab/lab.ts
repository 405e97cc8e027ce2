import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { LabHost, until } from "./labHost.ts";
import { run } from "./shell.ts";
import { ensureSshServer, SshAccess } from "./sshAccess.ts";
import { TlsAccess } from "./tlsAccess.ts";

/**
 * Lab → its third octet below 198.18: a block of 254 addresses for benchmarks of networks (RFC 2544), which nobody routes.
 * Two labs at once are in each other's way nowhere, as each has namespaces of its own.
 */
const PREFIX = 24;
const BLOCK = "198.18.0";
const READY_MS = 30_000;

export interface LabOptions {
  /** @default 3 */
  hosts?: number;
  /** Number of a host → size of its disk in MiB. @default the machine's own */
  disks?: Readonly<Record<number, number>>;
  /** They are on the network, and nothing is started on them: neither Docker nor ssh. */
  bare?: boolean;
}

/**
 * Several Docker hosts on one machine, on a network of their own: each has its namespaces and its dockerd, and a switch,
 * in a namespace as well, is where tests call from. Nothing of the machine's own network is touched. Needs root.
 */
export class Lab {
  readonly hosts: readonly LabHost[];
  readonly folder: string;
  /** How people get in. */
  readonly ssh: SshAccess;
  readonly tls: TlsAccess;
  private readonly name: string;
  private readonly bare: boolean;
  private switch: ChildProcess | undefined;

  constructor(name: string, { hosts = 3, disks = {}, bare = false }: LabOptions = {}) {
    this.name = name;
    this.bare = bare;
    this.folder = mkdtempSync(join(tmpdir(), `mcp-estate-lab-${name}-`));
    this.ssh = new SshAccess(this.folder);
    this.tls = new TlsAccess(this.folder);
    this.hosts = Array.from(
      { length: hosts },
      (_, index) =>
        new LabHost({
          name: `lab-${index + 1}`,
          folder: join(this.folder, `lab-${index + 1}`),
          address: `${BLOCK}.${index + 1}`,
          prefix: PREFIX,
          bare,
          cgroupParent: `/mcp-estate-lab-${name}-${index + 1}`,
          ...(disks[index + 1] === undefined ? {} : { diskMiB: disks[index + 1] }),
        }),
    );
  }

  /** A host by its number, from 1. */
  host(number: number): LabHost {
    const host = this.hosts[number - 1];
    if (!host) throw new Error(`the lab has ${this.hosts.length} hosts, none has number ${number}`);
    return host;
  }

  async up(): Promise<void> {
    const made = join(this.folder, "made");
    const script = `ip link set lo up && ip link add br0 type bridge && ip address add ${BLOCK}.254/${PREFIX} dev br0 && ip link set br0 up && touch ${made} && exec sleep infinity`;
    this.switch = spawn("unshare", ["--net", "--", "sh", "-c", script], { stdio: "ignore" });
    await until(
      () => existsSync(made),
      READY_MS,
      () => "the switch",
    );
    for (const [index, host] of this.hosts.entries()) {
      const pid = await host.create();
      const port = `port${index + 1}`;
      await this.inSwitch("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", String(pid));
      await this.inSwitch("ip", "link", "set", port, "master", "br0");
      await this.inSwitch("ip", "link", "set", port, "up");
      await host.configure();
    }
    if (this.bare) return;
    await this.tls.create();
    await Promise.all([...this.hosts.map((host) => this.startDocker(host)), this.openSsh()]);
  }

  /** Of one host, again after it was killed. */
  async startDocker(host: LabHost): Promise<void> {
    await host.start(await this.tls.daemonOptions(host.name, host.address));
  }

  private async openSsh(): Promise<void> {
    await ensureSshServer();
    await this.ssh.create();
    for (const host of this.hosts) await this.startSsh(host);
  }

  /** Of one host, again after it was killed. */
  async startSsh(host: LabHost): Promise<void> {
    this.ssh.trust(host.address);
    await host.startSsh(this.ssh.serverCommand(host.name, host.address, host.dockerHost));
  }

  /** The command line that runs a command where all hosts can be called. */
  enter(command: readonly string[]): string[] {
    return ["nsenter", `--target=${this.switch?.pid ?? 0}`, "--net", "--", ...command];
  }

  private async inSwitch(...command: string[]): Promise<string> {
    const [program = "", ...args] = this.enter(command);
    return run(program, ...args);
  }

  /** Joins all hosts to one swarm. @param managers the first so many manage it. @default 1 */
  async swarm(managers = 1): Promise<void> {
    const [first, ...others] = this.hosts;
    if (!first) return;
    const own = ({ address }: LabHost) => ({ ListenAddr: `${address}:2377`, AdvertiseAddr: address });
    await first.docker.swarmInit({ ...own(first), ForceNewCluster: false });
    const { JoinTokens } = (await first.docker.swarmInspect()) as { JoinTokens: { Worker: string; Manager: string } };
    for (const [index, host] of others.entries()) {
      const token = index + 2 <= managers ? JoinTokens.Manager : JoinTokens.Worker;
      await host.docker.swarmJoin({ ...own(host), RemoteAddrs: [`${first.address}:2377`], JoinToken: token });
    }
    await until(
      async () => (await readyNodes(first.docker)) === this.hosts.length,
      READY_MS,
      async () => `${await readyNodes(first.docker)} of ${this.hosts.length} nodes are ready`,
    );
  }

  /** Copies images from the machine's own Docker. @param numbers hosts that get them. @default all */
  async copyImages(tags: readonly string[], numbers?: readonly number[]): Promise<void> {
    const hosts = numbers?.map((number) => this.host(number)) ?? this.hosts;
    for (const { dockerHost } of hosts) {
      const copy = 'to=$1; shift; docker save "$@" | docker --host "$to" load --quiet';
      await run("bash", "-o", "pipefail", "-c", copy, "copy", dockerHost, ...tags);
    }
  }

  /** Nothing is left: no process, no namespace, no folder, no control group. */
  async down(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.dispose()));
    this.switch?.kill("SIGKILL");
    await run("sh", "-c", `grep -o '${this.folder}[^ ]*' /proc/mounts | sort -r | xargs -r umount -l`);
    rmSync(this.folder, { recursive: true, force: true });
    const groups = `*/mcp-estate-lab-${this.name}-*`;
    await run("sh", "-c", `find /sys/fs/cgroup -depth -type d -path '${groups}' -exec rmdir {} + 2>/dev/null; true`);
  }
}

async function readyNodes(docker: Docker): Promise<number> {
  const nodes = (await docker.listNodes()) as unknown as { Status: { State: string } }[];
  return nodes.filter(({ Status }) => Status.State === "ready").length;
}
