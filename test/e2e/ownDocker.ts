import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { eventually } from "./testEstate.ts";

const run = promisify(execFile);
const START_MS = 30_000;
const STOP_MS = 60_000;

/** What Docker keeps of a container on disk; the parts that a test edits. */
export interface ContainerFiles {
  /** `config.v2.json` */
  config: { Config: Record<string, unknown>; NetworkSettings: Record<string, unknown>; [key: string]: unknown };
  /** `hostconfig.json` */
  host: Record<string, unknown>;
}

/** What the host of such a Docker has, as its containers and Docker itself see it. */
export interface OwnHost {
  /** Its name server. @default the machine's own */
  nameserver?: string;
  /** IPv4 addresses beside those of its bridges. @default none */
  addresses?: readonly string[];
}

/**
 * A dockerd of the test's own, so that it can be stopped, edited and started again. It lives in network and mount
 * namespaces of its own: its bridges, firewall rules and mounts end with its last process and touch nobody's. Needs root.
 */
export class OwnDocker {
  readonly folder: string;
  readonly docker: Docker;
  /** For commands that are to use this Docker. */
  readonly env: Record<string, string>;
  private daemon: ChildProcess | undefined;
  private readonly host: OwnHost;

  constructor(name: string, host: OwnHost = {}) {
    this.host = host;
    this.folder = mkdtempSync(join(tmpdir(), `mcp-estate-${name}-docker-`));
    const socketPath = join(this.folder, "docker.sock");
    this.docker = new Docker({ socketPath });
    this.env = { DOCKER_HOST: `unix://${socketPath}` };
  }

  /** Starts it, in new namespaces, on what its data folder holds. */
  async start(): Promise<void> {
    const log = openSync(join(this.folder, "dockerd.log"), "a");
    const options = ["data-root", "exec-root"].map((each) => `--${each}=${join(this.folder, each)}`);
    this.daemon = spawn(
      "unshare",
      [
        ...["--net", "--mount", "--", "sh", "-c", `${this.prepareHost()} && exec dockerd "$@"`, "dockerd"],
        ...[...options, `--pidfile=${join(this.folder, "dockerd.pid")}`, `--host=${this.env["DOCKER_HOST"] ?? ""}`],
        // A bridge for builds only; no range that a host is likely to use.
        ...["--bip=192.0.2.1/24", "--shutdown-timeout=10"],
      ],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    await eventually(async () => {
      assert.equal(this.daemon?.exitCode, null, this.log());
      await this.docker.ping();
    }, START_MS);
  }

  /** Shell command that makes of the new namespaces what `OwnHost` says. */
  private prepareHost(): string {
    const { nameserver, addresses = [] } = this.host;
    const commands = ["ip link set lo up", ...addresses.map((address) => `ip address add ${address}/32 dev lo`)];
    if (nameserver) {
      const file = join(this.folder, "resolv.conf");
      writeFileSync(file, `nameserver ${nameserver}\n`);
      commands.push(`mount --bind ${file} /etc/resolv.conf`);
    }
    return commands.join(" && ");
  }

  /** Stops it with its containers; what it holds stays on disk. */
  async stop(): Promise<void> {
    const { daemon } = this;
    if (!daemon || daemon.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
    daemon.kill("SIGTERM");
    const kill = setTimeout(() => daemon.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(kill);
    this.daemon = undefined;
  }

  /** The command line that runs a command where this Docker's published ports and bridges are. */
  enter(command: readonly string[]): string[] {
    const pid = this.daemon?.pid;
    assert.ok(pid, "the dockerd runs");
    return ["nsenter", `--target=${pid}`, "--net", "--", ...command];
  }

  /**
   * Changes what Docker believes containers to be, as nobody can through its API: stops the daemon, edits the
   * containers' files, starts the daemon again. They keep their ids, and Docker restarts them as edited.
   * @param changes container id → change.
   */
  async edit(changes: Readonly<Record<string, (files: ContainerFiles) => void>>): Promise<void> {
    await this.stop();
    for (const [id, change] of Object.entries(changes)) {
      const folder = join(this.folder, "data-root/containers", id);
      const [config, host] = [join(folder, "config.v2.json"), join(folder, "hostconfig.json")];
      const files = {
        config: JSON.parse(readFileSync(config, "utf8")) as ContainerFiles["config"],
        host: JSON.parse(readFileSync(host, "utf8")) as ContainerFiles["host"],
      };
      change(files);
      writeFileSync(config, JSON.stringify(files.config));
      writeFileSync(host, JSON.stringify(files.host));
    }
    await this.start();
  }

  /** Where a volume's files lie on this machine. */
  volumeFolder(name: string): string {
    return join(this.folder, "data-root/volumes", name, "_data");
  }

  /** Copies images from the machine's own Docker. */
  async copyImages(tags: readonly string[]): Promise<void> {
    const copy = 'docker save "$@" | docker --host "$TO" load --quiet';
    const env = { ...process.env, TO: this.env["DOCKER_HOST"] };
    await run("bash", ["-o", "pipefail", "-c", copy, "copy", ...tags], { env });
  }

  private log(): string {
    const file = join(this.folder, "dockerd.log");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(-20).join("\n") : "";
  }

  /** Removes its containers, then itself and its folder. */
  async dispose(): Promise<void> {
    if (this.daemon) {
      for (const { Id } of await this.docker.listContainers({ all: true })) {
        await this.docker.getContainer(Id).remove({ force: true, v: true });
      }
    }
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
