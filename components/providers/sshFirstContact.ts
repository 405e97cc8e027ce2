import { setTimeout as sleep } from "node:timers/promises";
import type { ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import ssh from "ssh2";

export interface SshFirstContactInputs {
  host: string;
  port: number;
}

export interface SshFirstContactState extends SshFirstContactInputs {
  /** In OpenSSH's form. */
  hostKey: string;
}

const TRIES = 3;
const BETWEEN_MS = 2000;
const READY_MS = 10_000;
/** In the order in which the command plugin's own client asks: it takes the first that a server has. */
const KINDS = [
  ...(["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"] as const),
  ...(["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"] as const),
];

/** The key that a server shows. @throws Error when none does. */
export async function firstContact({ host, port }: SshFirstContactInputs): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return openSshForm(await shownKey(host, port));
    } catch (error) {
      if (tries < TRIES) await sleep(BETWEEN_MS);
      else {
        throw new Error(
          `no ssh server shows its key at ${host}:${port} (${(error as Error).message}); start it, or correct the machine's address or mcp-estate:hosts.existing.sshPort`,
          { cause: error },
        );
      }
    }
  }
}

function shownKey(host: string, port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const client = new ssh.Client();
    client.on("error", reject);
    client.connect({
      ...{ host, port, username: "nobody", readyTimeout: READY_MS, algorithms: { serverHostKey: [...KINDS] } },
      // It is only looked at.
      hostVerifier: (key: Buffer) => {
        resolve(key);
        return false;
      },
    });
  });
}

/** The key begins with its own kind, after four bytes of its length. */
function openSshForm(key: Buffer): string {
  const kind = key.subarray(4, 4 + key.readUInt32BE(0)).toString();
  return `${kind} ${key.toString("base64")}`;
}

export const provider: ResourceProvider<SshFirstContactInputs, SshFirstContactState> = {
  create: async (inputs) => ({
    id: `${inputs.host}:${inputs.port}`,
    outs: { ...inputs, hostKey: await firstContact(inputs) },
  }),
  diff(_id, olds, news) {
    const replaces = (["host", "port"] as const).filter((key) => olds[key] !== news[key]);
    return Promise.resolve({ changes: replaces.length > 0, replaces, deleteBeforeReplace: true });
  },
};
