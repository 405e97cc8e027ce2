import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { serverContract } from "../../../components/mcpServer.ts";
import type { ServerConfig } from "../../../components/serverConfig.ts";
import { packEntries } from "../../../components/providers/images/archive.ts";
import { CONTRACT_NAME, SECRETS_DIR, SERVICE_PORT } from "../../../runtime/contract/index.ts";

const MIB = 1024 * 1024;
const OWNER = { estate: "mcp-estate", stack: "catalogue" };
const HEALTH = { intervalSeconds: 5, timeoutSeconds: 20, failures: 3 };
const SAMPLE_MS = 200;

interface Stats {
  memory_stats: { usage?: number; stats?: { total_inactive_file?: number; inactive_file?: number } };
  pids_stats: { current?: number };
}

export interface Use {
  mebibytes: number;
  tasks: number;
}

/** A server's container as an estate has it, but on no network at all. */
export class ClosedContainer {
  readonly #container: Docker.Container;
  readonly #volumes: readonly Docker.Volume[];
  #watching = false;
  /** The most that was seen since the start. */
  peak: Use = { mebibytes: 0, tasks: 0 };

  private constructor(container: Docker.Container, volumes: readonly Docker.Volume[]) {
    this.#container = container;
    this.#volumes = volumes;
  }

  /** @param user uid, and gid, under which the image has the server. */
  static async create(docker: Docker, image: string, user: number, server: ServerConfig): Promise<ClosedContainer> {
    const { name, limits, entry } = server;
    const mounts = [
      { volume: `mcp-catalogue-${name}-secrets`, path: SECRETS_DIR },
      ...(entry.volumes ?? []).map((volume) => ({ volume: `mcp-catalogue-${name}-${volume.name}`, path: volume.path })),
    ];
    const container = await docker.createContainer({
      name: `mcp-catalogue-${name}`,
      Image: image,
      Hostname: name,
      User: `${user}:${user}`,
      HostConfig: {
        NetworkMode: "none",
        Memory: limits.memoryMiB * MIB,
        MemorySwap: limits.memoryMiB * MIB,
        NanoCpus: limits.cpus * 1e9,
        PidsLimit: limits.pids,
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777" },
        Binds: mounts.map(({ volume, path }) => `${volume}:${path}`),
        Ulimits: [
          { Name: "nofile", Soft: limits.nofile.soft, Hard: limits.nofile.hard },
          { Name: "nproc", Soft: limits.nproc, Hard: limits.nproc },
        ],
      },
    });
    const files = { [CONTRACT_NAME]: JSON.stringify(serverContract(OWNER, server, HEALTH)), ...server.secretEnv };
    const entries = Object.entries(files).map(([file, content]) => ({ name: file, mode: 0o440, gid: user, content }));
    await container.putArchive(packEntries(entries), { path: SECRETS_DIR });
    return new ClosedContainer(
      container,
      mounts.map(({ volume }) => docker.getVolume(volume)),
    );
  }

  async start(): Promise<void> {
    await this.#container.start();
    this.#watching = true;
    void this.#watch();
  }

  /** With its volumes. */
  async remove(): Promise<void> {
    this.#watching = false;
    await this.#container.remove({ force: true, v: true });
    for (const volume of this.#volumes) await volume.remove({ force: true });
  }

  /** What its supervisor answers, asked from inside. @returns undefined while nobody answers. */
  async ask(path: string): Promise<string | undefined> {
    const exec = await this.#container.exec({
      Cmd: ["/usr/bin/curl", "-sS", "--max-time", "10", `http://127.0.0.1:${SERVICE_PORT}${path}`],
      AttachStdout: true,
      Tty: true,
    });
    const stream = await exec.start({ Tty: true });
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return (await exec.inspect()).ExitCode === 0 ? text.trim() : undefined;
  }

  async use(): Promise<Use> {
    const { memory_stats: memory, pids_stats: pids } = (await this.#container.stats({
      stream: false,
      "one-shot": true,
    })) as unknown as Stats;
    const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
    return { mebibytes: ((memory.usage ?? 0) - cache) / MIB, tasks: pids.current ?? 0 };
  }

  /** Its last words. */
  async log(): Promise<string> {
    return (await this.#container.logs({ stdout: true, stderr: true, tail: 20 })).toString();
  }

  async isRunning(): Promise<boolean> {
    return (await this.#container.inspect()).State.Running;
  }

  async #watch(): Promise<void> {
    while (this.#watching) {
      // Removed in between.
      const { mebibytes, tasks } = await this.use().catch(() => this.peak);
      this.peak = { mebibytes: Math.max(this.peak.mebibytes, mebibytes), tasks: Math.max(this.peak.tasks, tasks) };
      await sleep(SAMPLE_MS);
    }
  }
}
