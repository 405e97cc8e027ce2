import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab/lab.ts";
import type { LabHost } from "../lab/labHost.ts";
import { sshServerCommand } from "../lab/sshAccess.ts";
import type { Machines, WantedMachine } from "./fakeApi.ts";
import { hostKeysOf } from "./sshMachines.ts";

const LOOK_MS = 100;

export interface LabMachinesOptions {
  /** Images that the manager has from the start, as it reaches no registry. */
  images: readonly string[];
  /** Host name of the manager. */
  manager: string;
  /** Free on each one's disk, in MiB. */
  diskMiB: number;
}

/**
 * Machines that are a bare lab's hosts, in their order: Docker starts at their boot as a distribution's package starts it,
 * ssh lets in who has the key of the launch, and GPUs are only told of: `nvidia-smi`, CUDA and NVIDIA's runtime say what
 * is asked of them, and containers get none.
 */
export class LabMachines implements Machines {
  private readonly options: LabMachinesOptions;
  private readonly lab: Lab;
  private readonly hosts = new Map<string, LabHost>();
  private readonly pending: Promise<unknown>[] = [];
  private readonly restarting = new Set<LabHost>();
  private readonly timer: NodeJS.Timeout;
  private started = 0;

  constructor(lab: Lab, options: LabMachinesOptions) {
    this.lab = lab;
    this.options = options;
    this.timer = setInterval(() => this.restartWhereAsked(), LOOK_MS);
  }

  start = (wanted: WantedMachine): { ip: string; privateIp: string } => {
    const number = (this.started += 1);
    const host = this.lab.host(number);
    this.hosts.set(wanted.id, host);
    const privateIp = `10.99.0.${number}`;
    this.pending.push(this.boot(host, wanted, privateIp));
    return { ip: host.address, privateIp };
  };

  stop = (id: string): void => {
    const host = this.hosts.get(id);
    assert.ok(host, `machine ${id} was started`);
    this.pending.push(host.kill());
  };

  /** The lab's host that a machine is. */
  host(id: string): LabHost {
    return this.hosts.get(id) ?? assert.fail(`machine ${id} was started`);
  }

  /** Nothing goes on any more. @throws the first error of all that went on. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
  }

  private async boot(host: LabHost, wanted: WantedMachine, privateIp: string): Promise<void> {
    mkdirSync(join(host.programs, "python"), { recursive: true });
    this.install(host, wanted);
    await host.on("hostname", wanted.hostname);
    await host.on("ip", "address", "add", `${privateIp}/24`, "dev", "eth0");
    await host.start();
    const { images, manager } = this.options;
    if (wanted.hostname === manager) await this.lab.copyImages(images, [this.lab.hosts.indexOf(host) + 1]);
    const file = (name: string, text: string): string => {
      const path = join(host.folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const keys = hostKeysOf(wanted.userData);
    const command = sshServerCommand({
      config: join(host.folder, "sshd"),
      address: host.address,
      hostKey: file("host-key", keys.ed25519_private),
      authorizedKeys: file("authorized", `${wanted.publicKeys.join("\n")}\n`),
      env: {
        DOCKER_HOST: host.dockerHost,
        PATH: `${host.programs}:/usr/sbin:/usr/bin:/sbin:/bin`,
        PYTHONPATH: join(host.programs, "python"),
      },
    });
    await host.startSsh(command);
  }

  private install(host: LabHost, { id, gpus }: WantedMachine): void {
    const program = (name: string, script: string): void => {
      writeFileSync(join(host.programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    };
    const wish = join(host.folder, "restart");
    program("sudo", 'exec "$@"');
    // All hosts have the machine's own memory.
    program("swapoff", "exit 0");
    program("apt-get", 'echo "nothing can be installed here" >&2; exit 1');
    program("df", `printf ' Avail\\n ${this.options.diskMiB}\\n'`);
    program(
      "systemctl",
      `[ "$*" = "restart docker" ] || exit 1\ntouch ${wish}\nwhile [ -e ${wish} ]; do sleep 0.1; done`,
    );
    if (gpus === 0) return;
    const uuids = Array.from({ length: gpus }, (_, number) => uuidOf(`${id} ${number}`));
    program("nvidia-smi", `printf '${uuids.map((uuid) => `${uuid}\\n`).join("")}'`);
    program("nvidia-ctk", "exit 0");
    program("nvidia-container-runtime", 'exec runc "$@"');
    mkdirSync(join(host.folder, "etc/nvidia-container-runtime"), { recursive: true });
    writeFileSync(join(host.folder, "etc/nvidia-container-runtime/config.toml"), '#swarm-resource = ""\n');
    writeFileSync(join(host.programs, "python/ctypes.py"), cuda(gpus));
  }

  private restartWhereAsked(): void {
    for (const host of this.hosts.values()) {
      const wish = join(host.folder, "restart");
      if (this.restarting.has(host) || !existsSync(wish)) continue;
      this.restarting.add(host);
      const restart = async (): Promise<void> => {
        await host.stop();
        await host.start();
        this.restarting.delete(host);
        rmSync(wish);
      };
      this.pending.push(restart());
    }
  }
}

function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `GPU-${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-")}`;
}

/** Python's ctypes as far as it finds a CUDA with so many GPUs. */
function cuda(count: number): string {
  return `class c_int:
    value = 0
def byref(value):
    return value
class CDLL:
    def __init__(self, name):
        assert name == "libcuda.so.1"
    def cuInit(self, flags):
        return 0
    def cuDeviceGetCount(self, count):
        count.value = ${count}
        return 0
`;
}
