import { spawn } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";

/** How long ssh may take to connect. */
const CONNECT_SECONDS = 30;
/** sshd lets ten connections begin at once, and refuses some of more. */
const MAX_CONNECTIONS = 4;

/**
 * HTTP to a Docker on another host, as Docker's own client does it: through the system's `ssh`, whose configuration, known
 * hosts and agent apply, and `docker system dial-stdio` over there.
 */
export class SshAgent extends Agent {
  readonly #args: string[];

  constructor({ username, hostname, port }: URL) {
    super({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
    const who = [...(username ? ["-l", username] : []), ...(port ? ["-p", port] : [])];
    this.#args = [...who, "-o", `ConnectTimeout=${CONNECT_SECONDS}`, "-o", "BatchMode=yes", "-T", "--", hostname];
  }

  override createConnection(): Duplex {
    const ssh = spawn("ssh", [...this.#args, "docker", "system", "dial-stdio"], { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    ssh.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    const connection = new Duplex({
      read: () => void ssh.stdout.resume(),
      // What cannot be written any more is told of by the end of ssh, with the reason.
      write: (chunk: Buffer, _encoding, done) => void ssh.stdin.write(chunk, () => done()),
      final: (done) => void ssh.stdin.end(() => done()),
      destroy: (error, done) => {
        ssh.kill();
        done(error);
      },
    });
    const fail = (why: string): void => {
      connection.destroy(Object.assign(new Error(why), { code: "ECONNREFUSED" }));
    };
    ssh.stdout.on("data", (chunk: Buffer) => {
      if (!connection.push(chunk)) ssh.stdout.pause();
    });
    ssh.stdin.on("error", () => undefined);
    ssh.on("error", (error) => fail(`ssh: ${error.message}`));
    // Whether it has failed, and why, is known at its end only.
    ssh.on("close", (code) => {
      if (code === 0) connection.push(null);
      else if (!connection.destroyed) fail(`ssh ended with exit code ${String(code)}: ${lastLine(complaint)}`);
    });
    // What a socket has and a pipe has not.
    const socketOnly = ["setTimeout", "setNoDelay", "setKeepAlive"];
    // A connection that nobody uses, kept for later, is no reason for a process to go on.
    const handles = [ssh, ssh.stdin, ssh.stdout, ssh.stderr] as unknown as { ref(): void; unref(): void }[];
    return Object.assign(connection, Object.fromEntries(socketOnly.map((name) => [name, () => connection])), {
      ref: () => {
        for (const handle of handles) handle.ref();
        return connection;
      },
      unref: () => {
        for (const handle of handles) handle.unref();
        return connection;
      },
    });
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
