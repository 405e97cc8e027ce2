import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { commandOf, run } from "./shell.ts";

const START_MS = 30_000;
const STOP_MS = 30_000;

export interface LabHostOptions {
  /** Host name, in its own UTS namespace. */
  name: string;
  folder: string;
  /** Of its one network card. */
  address: string;
  prefix: number;
  /** Control group of all its containers. */
  cgroupParent: string;
  /** Size of the disk for Docker's data. @default the machine's own */
  diskMiB?: number;
  /** As a provider hands it out: /etc is its own, and Docker's settings are those that stand there. */
  bare?: boolean;
}

/**
 * One Docker host: network, UTS and mount namespaces that a process of its own holds open, and a dockerd in them. So the
 * daemon can end, in order or not, and start again on the same host.
 */
export class LabHost {
  readonly name: string;
  readonly address: string;
  readonly folder: string;
  readonly docker: Docker;
  /** Where its Docker is, from anywhere on this machine. */
  readonly dockerHost: string;
  private readonly options: LabHostOptions;
  private holder: ChildProcess | undefined;
  private daemon: ChildProcess | undefined;
  private sshServer: ChildProcess | undefined;

  constructor(options: LabHostOptions) {
    this.options = options;
    this.name = options.name;
    this.address = options.address;
    this.folder = options.folder;
    const socketPath = join(options.folder, "docker.sock");
    this.dockerHost = `unix://${socketPath}`;
    this.docker = new Docker({ socketPath });
  }

  /** Makes the namespaces. @returns the pid that holds them. */
  async create(): Promise<number> {
    const { folder, name, diskMiB, bare = false } = this.options;
    mkdirSync(join(folder, "data-root"), { recursive: true });
    writeFileSync(join(folder, "resolv.conf"), "");
    const steps = [
      `hostname ${name}`,
      ...(bare ? [`cp -a /etc ${folder}/etc`, `mount --bind ${folder}/etc /etc`, "rm -f /etc/docker/daemon.json"] : []),
      `mount --bind ${folder}/resolv.conf /etc/resolv.conf`,
      ...(diskMiB === undefined ? [] : [`mount -t tmpfs -o size=${diskMiB}m tmpfs ${folder}/data-root`]),
      "ip link set lo up",
      `touch ${folder}/made`,
      "exec sleep infinity",
    ];
    const script = steps.join(" && ");
    this.holder = spawn("unshare", ["--net", "--uts", "--mount", "--", "sh", "-c", script], { stdio: "ignore" });
    await until(
      () => existsSync(join(folder, "made")),
      START_MS,
      () => `the namespaces of ${name}`,
    );
    assert.ok(this.holder.pid);
    return this.holder.pid;
  }

  get pid(): number {
    assert.ok(this.holder?.pid, `${this.name} is made`);
    return this.holder.pid;
  }

  /** Folder of programs that it has before the machine's own. */
  get programs(): string {
    return join(this.folder, "bin");
  }

  /** The command line that runs a command on this host. */
  enter(command: readonly string[]): string[] {
    return ["nsenter", `--target=${this.pid}`, "--net", "--uts", "--mount", "--", ...command];
  }

  async on(...command: string[]): Promise<string> {
    const [program = "", ...args] = this.enter(command);
    return run(program, ...args);
  }

  /** Gives its network card an address. */
  async configure(): Promise<void> {
    const { address, prefix } = this.options;
    await this.on("ip", "address", "add", `${address}/${prefix}`, "dev", "eth0");
    await this.on("ip", "link", "set", "eth0", "up");
    await this.on("iptables", "-P", "FORWARD", "ACCEPT");
  }

  /** Starts its Docker, on what it had before. @param options further ones of dockerd's. */
  async start(options: readonly string[] = []): Promise<void> {
    const { folder, cgroupParent, bare = false } = this.options;
    const log = openSync(join(folder, "dockerd.log"), "a");
    const [program = "", ...args] = this.enter([
      "dockerd",
      ...["data-root", "exec-root"].map((each) => `--${each}=${join(folder, each)}`),
      ...[`--pidfile=${join(folder, "dockerd.pid")}`, `--host=${this.dockerHost}`, `--cgroup-parent=${cgroupParent}`],
      ...["--bip=192.0.2.1/24", "--shutdown-timeout=5"],
      ...(bare ? [] : ["--no-new-privileges"]),
      ...options,
    ]);
    const PATH = `${this.programs}:${process.env["PATH"] ?? ""}`;
    this.daemon = spawn(program, args, { stdio: ["ignore", log, log], env: { ...process.env, PATH } });
    closeSync(log);
    await until(
      () =>
        this.docker.ping().then(
          () => true,
          () => false,
        ),
      START_MS,
      () => this.log(),
    );
  }

  /** Lets people in who have the lab's key. @param command of the server, in the foreground. */
  async startSsh(command: readonly string[]): Promise<void> {
    // Empty, and there for all servers of this machine.
    await this.on("mkdir", "-p", "-m", "755", "/run/sshd");
    const [program = "", ...args] = this.enter(command);
    this.sshServer = spawn(program, args, { stdio: "ignore" });
    const listens = () =>
      this.on("sh", "-c", "ss -Htln 'sport = :22' | grep -q .").then(
        () => true,
        () => false,
      );
    await until(listens, START_MS, () => `the ssh server of ${this.name}`);
  }

  /** Ends its Docker and all containers in order. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** The machine is gone, from one moment to the next: no network, nothing runs. */
  async kill(): Promise<void> {
    await this.cut();
    this.sshServer?.kill("SIGKILL");
    await this.end("SIGKILL");
    // Docker's own helpers and the containers are no children of ours any more.
    for (const pid of this.leftProcesses()) killQuietly(pid);
  }

  /** Takes its network away. */
  async cut(): Promise<void> {
    await this.on("ip", "link", "set", "eth0", "down");
  }

  async join(): Promise<void> {
    await this.on("ip", "link", "set", "eth0", "up");
  }

  private async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const { daemon } = this;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
    daemon.kill(signal);
    const late = setTimeout(() => daemon.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(late);
    this.daemon = undefined;
  }

  /** Processes that work in this host's folder, and those in its containers' control groups. */
  private leftProcesses(): number[] {
    const all = readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
    return all.filter((pid) => {
      if (pid === this.holder?.pid || pid === process.pid) return false;
      return (
        commandOf(pid).includes(join(this.folder, "exec-root")) ||
        this.groupOf(pid).includes(`${this.options.cgroupParent}/`)
      );
    });
  }

  private groupOf(pid: number): string {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, "utf8");
    } catch {
      return "";
    }
  }

  log(): string {
    const file = join(this.folder, "dockerd.log");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(-15).join("\n") : "no log";
  }

  /** Nothing of it is left but its folder. */
  async dispose(): Promise<void> {
    this.sshServer?.kill("SIGKILL");
    await this.stop().catch(() => undefined);
    for (let tries = 0; tries < 20 && this.leftProcesses().length > 0; tries++) {
      for (const pid of this.leftProcesses()) killQuietly(pid);
      await sleep(100);
    }
    if (this.holder && this.holder.exitCode === null && this.holder.signalCode === null) {
      const ended = new Promise<void>((resolve) => this.holder?.once("exit", () => resolve()));
      this.holder.kill("SIGKILL");
      await ended;
    }
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** @throws Error with `why()` when it does not come true in time. */
export async function until(
  check: () => boolean | Promise<boolean>,
  timeoutMs: number,
  why: () => string | Promise<string>,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs / 1000} s: ${await why()}`);
    await sleep(100);
  }
}
