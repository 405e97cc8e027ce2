import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { docker, type TestEstate } from "../../test/e2e/testEstate.ts";

const run = promisify(execFile);

/**
 * The running estate as a docker-compose project: the same images, limits, networks and files, so that both ways of
 * starting it can be timed against each other.
 */
export class ComposeEstate {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Writes docker-compose.yml from what runs now. */
  async copyOf(estate: TestEstate): Promise<void> {
    const services: Record<string, unknown> = {};
    const networks: Record<string, unknown> = {};
    for (const network of await estate.networks()) {
      networks[network.Name] = {
        internal: network.Internal,
        driver_opts: network.Options,
        ipam: { config: network.IPAM?.Config?.map(({ Subnet }) => ({ subnet: Subnet })) },
      };
    }
    for (const { Id, Labels } of await estate.containers()) {
      const component = Labels["mcp-estate.component"] ?? "";
      const info = await docker.getContainer(Id).inspect();
      const secrets = join(this.folder, component);
      mkdirSync(secrets, { recursive: true });
      const { output: files } = await estate.exec(component, ["ls", "/run/secrets"]);
      for (const file of files.trim().split("\n")) {
        const { output } = await estate.exec(component, ["cat", `/run/secrets/${file}`]);
        writeFileSync(join(secrets, file), output);
        chmodSync(join(secrets, file), 0o444);
      }
      // Others may know it by the name of the very container.
      const aliases = [component, info.Name.slice(1)];
      const bindings = (info.HostConfig.PortBindings ?? {}) as Record<string, { HostIp: string; HostPort: string }[]>;
      const ports = Object.entries(bindings).flatMap(([port, published]) =>
        published.map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}:${port}`),
      );
      services[component] = {
        image: info.Image,
        user: info.Config.User,
        mem_limit: info.HostConfig.Memory,
        memswap_limit: info.HostConfig.MemorySwap,
        mem_reservation: info.HostConfig.MemoryReservation,
        cpus: (info.HostConfig.NanoCpus ?? 0) / 1e9,
        pids_limit: info.HostConfig.PidsLimit,
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges"],
        tmpfs: Object.entries(info.HostConfig.Tmpfs as Record<string, string>).map(
          ([path, options]) => `${path}:${options}`,
        ),
        ulimits: Object.fromEntries(
          ((info.HostConfig.Ulimits ?? []) as Array<{ Name: string; Soft: number; Hard: number }>).map(
            ({ Name, Soft, Hard }) => [Name, { soft: Soft, hard: Hard }],
          ),
        ),
        networks: Object.fromEntries(
          Object.keys(info.NetworkSettings.Networks).map((network) => [network, { aliases }]),
        ),
        volumes: [`${secrets}:/run/secrets:ro`],
        ports,
      };
    }
    writeFileSync(join(this.folder, "docker-compose.yml"), stringify({ version: "2.4", services, networks }));
  }

  async up(): Promise<void> {
    await this.compose("up", "-d");
  }

  async down(): Promise<void> {
    await this.compose("down");
  }

  private async compose(...args: string[]): Promise<void> {
    await run("docker-compose", ["-p", "bench-compose", ...args], { cwd: this.folder });
  }
}
