import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { Duplex, PassThrough } from "node:stream";
import Docker from "dockerode";
import type { CheckFailure, OperationContext } from "../resourceType.ts";
import type { ValueMap } from "../values.ts";

const DEFAULT_HOST = "unix:///var/run/docker.sock";

/** Ways to say where Docker is, for error messages. */
const SCHEMES = "unix:///path, tcp://host:port, http://host:port, https://host:port or ssh://[user@]host[:port]";

/** Where Docker is and how to get in, from the provider's configuration and the environment. */
interface DockerHost {
  url: string;
  sshOptions: string[];
  tls: { ca?: string; cert?: string; key?: string } | undefined;
}

const connections = new Map<string, Docker>();

/**
 * The Docker that this provider instance talks to; one connection pool per host.
 *
 * @throws Error naming the setting when the host cannot be understood.
 */
export function dockerOf({ config }: Pick<OperationContext, "config">): Docker {
  const host = dockerHost(config);
  const key = JSON.stringify(host);
  const known = connections.get(key);
  if (known !== undefined) return known;
  const docker = connect(host);
  connections.set(key, docker);
  return docker;
}

/** What is wrong with the provider's configuration, property by property. */
export function checkDockerConfig(config: ValueMap): CheckFailure[] {
  const { context, host } = config;
  if (typeof context === "string" && contextHost(context) === undefined) {
    return [
      { property: "context", reason: `docker context "${context}" is not in ${contextFolder()}: give "host" instead` },
    ];
  }
  if (typeof host === "string" && host !== "" && !/^(?:unix|tcp|https?|ssh):\/\//.test(host)) {
    return [{ property: "host", reason: `host is "${host}": give ${SCHEMES}` }];
  }
  return [];
}

function dockerHost(config: ValueMap): DockerHost {
  const text = (key: string) => (typeof config[key] === "string" && config[key] !== "" ? config[key] : undefined);
  const context = text("context") ?? process.env["DOCKER_CONTEXT"];
  const url =
    (context === undefined ? undefined : contextHost(context)) ??
    text("host") ??
    (process.env["DOCKER_HOST"] || DEFAULT_HOST);
  const sshOptions = Array.isArray(config["sshOpts"]) ? config["sshOpts"].map(String) : [];
  return { url, sshOptions, tls: tlsOf(text, url) };
}

function tlsOf(text: (key: string) => string | undefined, url: string): DockerHost["tls"] {
  const [ca, cert, key] = [text("caMaterial"), text("certMaterial"), text("keyMaterial")];
  if (ca !== undefined || cert !== undefined || key !== undefined) return { ca, cert, key };
  const folder = text("certPath") ?? process.env["DOCKER_CERT_PATH"];
  if (folder === undefined || folder === "" || !/^(?:tcp|https):/.test(url)) return undefined;
  const read = (name: string) =>
    existsSync(path.join(folder, name)) ? readFileSync(path.join(folder, name), "utf8") : undefined;
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}

function contextFolder(): string {
  return path.join(process.env["DOCKER_CONFIG"] ?? path.join(os.homedir(), ".docker"), "contexts", "meta");
}

/** Address of a context made by `docker context create`: its folder is the hash of its name. */
function contextHost(name: string): string | undefined {
  if (name === "default") return process.env["DOCKER_HOST"] || DEFAULT_HOST;
  const { createHash } = process.getBuiltinModule("node:crypto");
  const file = path.join(contextFolder(), createHash("sha256").update(name).digest("hex"), "meta.json");
  if (!existsSync(file)) return undefined;
  const meta = JSON.parse(readFileSync(file, "utf8")) as { Endpoints?: { docker?: { Host?: string } } };
  return meta.Endpoints?.docker?.Host;
}

function connect({ url, sshOptions, tls }: DockerHost): Docker {
  if (url.startsWith("unix://")) {
    return named(new Docker({ socketPath: url.slice("unix://".length), host: undefined }), url);
  }
  if (url.startsWith("ssh://")) {
    const agent = new SshAgent(new URL(url), sshOptions);
    return named(new Docker({ protocol: "http", host: "docker", port: 80, agent } as Docker.DockerOptions), url);
  }
  const { protocol, hostname, port } = new URL(url.replace(/^tcp:/, "http:"));
  const secure = protocol === "https:" || tls !== undefined;
  const defaultPort = secure ? 2376 : 2375;
  const options = {
    protocol: secure ? "https" : "http",
    host: hostname,
    port: port || defaultPort,
    ...tls,
  } as Docker.DockerOptions;
  return named(new Docker(options), url);
}

/** Errors of a Docker that does not answer name the host that was tried. */
function named(docker: Docker, url: string): Docker {
  const dial = docker.modem.dial.bind(docker.modem);
  docker.modem.dial = (options, callback) =>
    dial(options, (error: unknown, result: unknown) =>
      callback?.(explained(error, url) as Error | null, result as object | null),
    );
  return docker;
}

const NOT_REACHABLE = new Set([
  "ECONNREFUSED",
  "ENOENT",
  "EACCES",
  "ECONNRESET",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EPIPE",
]);

function explained(error: unknown, url: string): unknown {
  if (!(error instanceof Error)) return error;
  const { code, statusCode } = error as Error & { code?: string; statusCode?: number };
  if (statusCode !== undefined || code === undefined || !NOT_REACHABLE.has(code)) return error;
  const reasons: Record<string, string> = {
    ENOENT: "there is no such socket",
    EACCES: "no permission for the socket",
    ECONNREFUSED: "nothing listens there",
  };
  const why = (url.startsWith("ssh:") ? undefined : reasons[code]) ?? error.message;
  return new Error(
    `Docker is not reachable at ${url} (${why}): is it running, and is docker:host or DOCKER_HOST right?`,
  );
}

/**
 * Reaches a remote Docker as Docker's own CLI does: through the system's `ssh`, whose configuration, known hosts and
 * agent apply, and `docker system dial-stdio` on the other side. One ssh process per connection, kept alive.
 */
class SshAgent extends http.Agent {
  readonly #command: string[];

  constructor(url: URL, options: readonly string[]) {
    super({ keepAlive: true, maxSockets: 4 });
    this.#command = [
      ...options,
      ...(url.username ? ["-l", url.username] : []),
      ...(url.port ? ["-p", url.port] : []),
      ...["-o", "ConnectTimeout=30", "-T", "--", url.hostname],
      ...["docker", "system", "dial-stdio"],
    ];
  }

  override createConnection(): Duplex {
    const ssh = spawn("ssh", this.#command, { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    ssh.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    const received = new PassThrough();
    ssh.stdout.pipe(received, { end: false });
    // Between both: an ssh that has ended already refuses what is written, which says nothing of why.
    const sent = new PassThrough();
    sent.pipe(ssh.stdin);
    sent.on("close", () => ssh.stdin.destroy());
    const connection = Duplex.from({ readable: received, writable: sent });
    const fail = (message: string) => connection.destroy(Object.assign(new Error(message), { code: "ECONNREFUSED" }));
    ssh.on("error", (error) => fail(`ssh: ${error.message}`));
    // Only at the end it is known whether ssh failed, and why: until then the connection must not look closed.
    ssh.on("close", (code) =>
      code === 0 ? received.end() : fail(`ssh ended with exit code ${code}: ${complaint.trim()}`),
    );
    ssh.stdin.on("error", () => undefined);
    // node:http treats what createConnection returns as a socket; these do not exist on a pipe.
    return Object.assign(connection, {
      setTimeout: () => connection,
      setNoDelay: () => connection,
      setKeepAlive: () => connection,
      ref: () => connection,
      unref: () => connection,
    });
  }
}

/** Docker's answer "there is no such object". */
export function isNotFound(error: unknown): boolean {
  return (error as { statusCode?: number } | undefined)?.statusCode === 404;
}

/** `undefined` in place of Docker's "there is no such object". */
export async function orGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
