import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { consent } from "../../scripts/lib/ask.ts";
import { aptInstall } from "../../scripts/lib/dockerInstall.ts";
import { run } from "./shell.ts";

const SSHD = "/usr/sbin/sshd";

/** Debian's ssh server, where it is missing; nothing of it is started. */
export async function ensureSshServer(): Promise<void> {
  if (existsSync(SSHD)) return;
  const say = (line: string): void => console.log(`      ${line}`);
  const options = { env: { ...process.env, RUNLEVEL: "1" }, say, consent: consent(true) };
  await aptInstall(["openssh-server"], { ...options, reason: "the lab's hosts are reached over ssh" });
}

/**
 * Keys with which the hosts of a lab are reached over ssh, and an `ssh` that uses them: it stands first on the PATH of
 * whoever is to reach them, as a person's own ssh configuration would be theirs alone.
 */
export class SshAccess {
  readonly folder: string;
  /** To be put first on PATH. */
  readonly bin: string;

  constructor(folder: string) {
    this.folder = join(folder, "ssh");
    this.bin = join(this.folder, "bin");
  }

  async create(): Promise<void> {
    mkdirSync(this.bin, { recursive: true });
    for (const key of ["host", "user"]) {
      await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", join(this.folder, key));
    }
    const config = join(this.folder, "config");
    const options = [
      `IdentityFile ${join(this.folder, "user")}`,
      `UserKnownHostsFile ${join(this.folder, "known_hosts")}`,
      "StrictHostKeyChecking yes",
      "IdentitiesOnly yes",
      "LogLevel ERROR",
    ];
    writeFileSync(config, `${options.join("\n")}\n`);
    writeFileSync(join(this.bin, "ssh"), `#!/bin/sh\nexec /usr/bin/ssh -F ${config} "$@"\n`);
    chmodSync(join(this.bin, "ssh"), 0o755);
    writeFileSync(join(this.folder, "known_hosts"), "");
  }

  /** Makes a host's key known. */
  trust(address: string): void {
    const file = join(this.folder, "known_hosts");
    const key = readFileSync(join(this.folder, "host.pub"), "utf8").split(" ").slice(0, 2).join(" ");
    writeFileSync(file, `${address} ${key}\n`, { flag: "a" });
  }

  /**
   * Command line of a host's ssh server, which stays in the foreground.
   * @param dockerHost what its users' Docker is.
   * @param address may end with `:PORT`.
   * @param more options of its own.
   */
  serverCommand(name: string, address: string, dockerHost: string, more: readonly string[] = []): string[] {
    return sshServerCommand({
      config: join(this.folder, `sshd-${name}`),
      address,
      hostKey: join(this.folder, "host"),
      authorizedKeys: join(this.folder, "user.pub"),
      env: { DOCKER_HOST: dockerHost },
      more,
    });
  }
}

export interface SshServerSpec {
  /** File that is written. */
  config: string;
  /** May end with `:PORT`. */
  address: string;
  hostKey: string;
  authorizedKeys: string;
  /** Variables of who comes in. */
  env: Readonly<Record<string, string>>;
  /** Further options of sshd's. */
  more?: readonly string[];
}

/** Command line of an ssh server, which stays in the foreground. */
export function sshServerCommand(spec: SshServerSpec): string[] {
  const { config, address, hostKey, authorizedKeys, env, more = [] } = spec;
  const variables = Object.entries(env).map(([name, value]) => `"${name}=${value}"`);
  const options = [
    `ListenAddress ${address}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${authorizedKeys}`,
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "UsePAM no",
    "StrictModes no",
    "PidFile none",
    "MaxStartups 50",
    "AcceptEnv GIVEN PULUMI_COMMAND_*",
    `SetEnv ${variables.join(" ")}`,
    "Subsystem sftp internal-sftp",
    ...more,
  ];
  writeFileSync(config, `${options.join("\n")}\n`);
  return [SSHD, "-D", "-f", config];
}
