import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientChannel, ConnectConfig, ServerHostKeyAlgorithm } from "ssh2";
import type { OperationContext } from "../resourceType.ts";
import { gather, type CommandOutput } from "./execute.ts";
import type { Connection } from "./sshConnection.ts";

const DEFAULTS = { port: 22, user: "root", perDialTimeout: 15, dialErrorLimit: 10 };
const RETRY_MS = 1000;
const MILLISECONDS = 1000;
/** Wrong for good: another try would be refused as well. */
const FINAL = /authentication methods failed|host key|Cannot parse privateKey|Encrypted private/i;

export interface RemoteRun {
  command: string;
  stdin: string;
  environment: Readonly<Record<string, string>>;
  logging: string;
  context: OperationContext;
}

/**
 * Runs a command on another host.
 * @throws Error in one line: host and port, and why; never a key or a password, and not the command, which may hold secrets.
 */
export async function runOver(connection: Connection, run: RemoteRun): Promise<CommandOutput> {
  return withClient(connection, run.context, (client) => execute(client, run));
}

/** Works on another host over ssh; all that was opened on the way there is closed afterwards. */
export async function withClient<T>(
  connection: Connection,
  context: OperationContext,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const clients: Client[] = [];
  try {
    return await work(await dial(connection, context, clients));
  } finally {
    for (const client of clients.reverse()) client.end();
  }
}

/** @param clients gets each connection that was made. */
async function dial(connection: Connection, context: OperationContext, clients: Client[]): Promise<Client> {
  const { proxy } = connection;
  const way = proxy === undefined ? undefined : await dial(proxy, context, clients);
  const { host, port, perDialTimeout, dialErrorLimit } = { ...DEFAULTS, ...connection };
  for (let failures = 1; ; failures += 1) {
    try {
      const sock = way && (await through(way, host, port));
      return await connect(connection, perDialTimeout, sock, clients);
    } catch (error) {
      const { message } = error as Error;
      const isLast = dialErrorLimit >= 0 && failures >= dialErrorLimit;
      if (isLast || FINAL.test(message) || context.cancelled.aborted) {
        const tries = failures === 1 ? "try" : "tries";
        const text = `${host}:${port} cannot be reached over ssh (${failures} ${tries}): ${message}`;
        throw new Error(text, { cause: error });
      }
      await sleep(RETRY_MS, undefined, { signal: context.cancelled });
    }
  }
}

/** What ssh2 is brings native code with it that is not needed; it is loaded when a host is first called. */
async function connect(
  connection: Connection,
  perDialTimeout: number,
  sock: ClientChannel | undefined,
  clients: Client[],
): Promise<Client> {
  const { default: ssh2 } = await import("ssh2");
  const client = new ssh2.Client();
  const { host, port, user, privateKey, privateKeyPassword, password, hostKey } = { ...DEFAULTS, ...connection };
  const agent = connection.agentSocketPath ?? process.env["SSH_AUTH_SOCK"];
  let refusedKey: string | undefined;
  const config: ConnectConfig = {
    host,
    port,
    username: user,
    readyTimeout: perDialTimeout * MILLISECONDS,
    ...(sock ? { sock } : {}),
    // A server has keys of several kinds, and shows the one that is asked for first.
    ...(hostKey === undefined ? {} : { algorithms: { serverHostKey: kindsOf(hostKey) } }),
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(privateKeyPassword === undefined ? {} : { passphrase: privateKeyPassword }),
    ...(password === undefined ? {} : { password }),
    ...(agent === undefined || privateKey !== undefined ? {} : { agent }),
    hostVerifier: (key: Buffer) => {
      if (hostKey === undefined || isKey(hostKey, key)) return true;
      refusedKey = fingerprint(key);
      return false;
    },
  };
  await new Promise<void>((resolve, reject) => {
    client.on("ready", resolve).on("error", (error: Error) => {
      const why = `its host key is ${refusedKey ?? ""}, expected was ${fingerprint(keyOf(hostKey ?? ""))}; is it another machine?`;
      reject(refusedKey === undefined ? error : new Error(why));
    });
    client.connect(config);
  });
  clients.push(client);
  return client;
}

/** Algorithms by which a server proves to have a key of this kind. */
function kindsOf(hostKey: string): ServerHostKeyAlgorithm[] {
  const [kind = ""] = hostKey.trim().split(" ");
  return (kind === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [kind]) as ServerHostKeyAlgorithm[];
}

function through(client: Client, host: string, port: number): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

async function execute(
  client: Client,
  { command, stdin, environment, logging, context }: RemoteRun,
): Promise<CommandOutput> {
  const { channel, ended, stdout, stderr } = await new Promise<Started>((resolve, reject) => {
    client.exec(command, { env: { ...environment } }, (error, opened) => {
      if (error) reject(error);
      // At once: the answer of a quick command comes together with its exit code, and who listens a turn later misses it.
      else resolve(listen(opened, logging, context));
    });
  });
  const stop = () => channel.close();
  context.cancelled.addEventListener("abort", stop, { once: true });
  channel.end(stdin);
  try {
    const end = await ended;
    const output = { stdout: stdout(), stderr: stderr() };
    if (end !== "") throw new Error(`command ${end}${output.stderr === "" ? "" : `: ${output.stderr}`}`);
    return output;
  } finally {
    context.cancelled.removeEventListener("abort", stop);
  }
}

interface Started {
  channel: ClientChannel;
  /** How it went wrong; empty when it did not. */
  ended: Promise<string>;
  stdout: () => string;
  stderr: () => string;
}

function listen(channel: ClientChannel, logging: string, context: OperationContext): Started {
  const shows = (stream: string) => (logging === stream || logging === "stdoutAndStderr" ? context : undefined);
  const stdout = gather(channel, shows("stdout"));
  const stderr = gather(channel.stderr, shows("stderr"));
  const ended = new Promise<string>((resolve) => {
    let end = "was cut off";
    channel.on("exit", (code: number | null, signal?: string) => {
      end = code === 0 ? "" : code === null ? `was ended by signal ${String(signal)}` : `failed with exit code ${code}`;
    });
    channel.on("close", () => resolve(end));
  });
  return { channel, ended, stdout, stderr };
}

/** The key itself of `TYPE BASE64 COMMENT`. */
function keyOf(text: string): Buffer {
  return Buffer.from(text.trim().split(/\s+/).at(1) ?? text.trim(), "base64");
}

function isKey(expected: string, key: Buffer): boolean {
  return keyOf(expected).equals(key);
}

/** As OpenSSH writes it. */
function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}
