import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import type { Machines, WantedMachine } from "./fakeApi.ts";

const cloudInitSchema = z.object({
  ssh_deletekeys: z.literal(true),
  ssh_keys: z.object({ ed25519_private: z.string(), ed25519_public: z.string() }),
});

/** What cloud-init is told of a machine's host keys. */
export function hostKeysOf(userData: string): z.infer<typeof cloudInitSchema>["ssh_keys"] {
  return cloudInitSchema.parse(parse(userData)).ssh_keys;
}

/** Not the one that this machine's own ssh server may have. */
export const SSH_PORT = 22_077;

/**
 * Machines that are an ssh server each, on a loopback address of its own, with the host key that cloud-init was given and
 * the key that it was launched with. They note every command and do none. A file ADDRESS.name holds the host name of each.
 */
export class SshMachines implements Machines {
  private readonly folder: string;
  private readonly servers = new Map<string, ChildProcess>();
  private readonly network: string;
  private count = 0;
  /** Machines come up without an ssh server from now on. */
  refuse = false;

  /**
   * @param network first three bytes of their addresses, 127.0.x: tests run side by side.
   * @param answer what a shell says to `$SSH_ORIGINAL_COMMAND`
   */
  constructor(folder: string, network: string, answer: string) {
    this.folder = folder;
    this.network = network;
    mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, "answer.sh"), `${answer}\n`);
  }

  start = (wanted: WantedMachine): { ip: string } => {
    this.count += 1;
    const ip = `${this.network}.${this.count}`;
    this.startAt(ip, wanted);
    return { ip };
  };

  /** At a given address. */
  startAt(address: string, { id, hostname, userData, publicKeys }: WantedMachine): void {
    if (this.refuse) return;
    const keys = hostKeysOf(userData);
    writeFileSync(join(this.folder, `${address}.name`), hostname);
    const place = join(this.folder, id);
    mkdirSync(place);
    const file = (name: string, text: string, mode = 0o600): string => {
      writeFileSync(join(place, name), text, { mode });
      return join(place, name);
    };
    const recorder = file(
      "recorder",
      `#!/bin/sh\n{ printf '%s' "$SSH_ORIGINAL_COMMAND" | base64 -w 0; echo; } >>${join(this.folder, address)}\n. ${join(this.folder, "answer.sh")}\n`,
    );
    chmodSync(recorder, 0o755);
    file("host.pub", keys.ed25519_public);
    const options = [
      `ListenAddress ${address}:${SSH_PORT}`,
      `HostKey ${file("host", keys.ed25519_private)}`,
      `AuthorizedKeysFile ${file("authorized", `${publicKeys.join("\n")}\n`)}`,
      `ForceCommand ${recorder}`,
      ...["PermitRootLogin prohibit-password", "PasswordAuthentication no", "UsePAM no", "StrictModes no"],
      ...["PidFile none", "MaxStartups 50"],
    ];
    const config = file("sshd", `${options.join("\n")}\n`);
    this.servers.set(id, spawn("/usr/sbin/sshd", ["-D", "-f", config], { stdio: "ignore" }));
  }

  stop = (id: string): void => {
    this.servers.get(id)?.kill();
    this.servers.delete(id);
  };

  end(): void {
    for (const id of [...this.servers.keys()]) this.stop(id);
  }

  /** What a machine was sent since it was asked for the last time. @param address its loopback address */
  sent(address: string): string[] {
    const file = join(this.folder, address);
    const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
    rmSync(file, { force: true });
    return text === "" ? [] : text.split("\n").map((line) => Buffer.from(line, "base64").toString());
  }
}
