import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { SshAgent } from "./sshAgent.ts";

/** One client, and its connections, for each Docker. */
const clients = new Map<string, Docker>();

/**
 * The Docker that DOCKER_HOST names, else the local socket: the same one that the docker provider uses.
 * Dynamic providers run in a process of the engine that inherits the variable.
 */
export function connect(): Docker {
  return connectTo();
}

/**
 * @param dockerHost `unix:///path`, `tcp://host:port` or `ssh://user@host`. @default DOCKER_HOST, else the local socket
 * @throws Error when the address is none of these, or a certificate for TLS is missing.
 */
export function connectTo(dockerHost?: string): Docker {
  const address = dockerHost || process.env.DOCKER_HOST || "";
  const known = clients.get(address);
  if (known) return known;
  const client = address === "" ? new Docker() : reaching(clientFor(address), address);
  clients.set(address, client);
  return client;
}

function clientFor(address: string): Docker {
  const url = URL.parse(address);
  // Given as undefined, or dockerode takes them from DOCKER_HOST.
  const none = { socketPath: undefined, host: undefined };
  switch (url?.protocol) {
    case "unix:":
      return new Docker({ ...none, socketPath: url.pathname });
    case "tcp:": {
      const tls = tlsOf(url.port);
      const port = url.port || (tls ? 2376 : 2375);
      return new Docker({ ...none, protocol: tls ? "https" : "http", host: url.hostname, port, ...tls });
    }
    case "ssh:":
      return new Docker({
        ...none,
        protocol: "http",
        host: "docker",
        port: 80,
        agent: new SshAgent(url),
      } as Docker.DockerOptions);
    default:
      throw new Error(`dockerHost: "${address}" given; unix:///path, tcp://host:port or ssh://user@host is allowed`);
  }
}

/** Docker's own habit: the variables of its client, and the port that is for TLS. */
function tlsOf(port: string): { ca: Buffer; cert: Buffer; key: Buffer } | undefined {
  const { DOCKER_TLS_VERIFY: verify, DOCKER_CERT_PATH: path } = process.env;
  if (!verify && !path && port !== "2376") return undefined;
  const folder = path || join(process.env.DOCKER_CONFIG || join(homedir(), ".docker"));
  const read = (name: string): Buffer => {
    try {
      return readFileSync(join(folder, name));
    } catch {
      throw new Error(
        `Docker over TLS needs ${join(folder, name)}; let DOCKER_CERT_PATH name the folder of ca.pem, cert.pem and key.pem`,
      );
    }
  };
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}

/** What there is no answer for, as errors of Node's sockets and of TLS are called. */
const UNREACHABLE = /^(?:E[A-Z]+|ERR_TLS_|ERR_SSL_|UNABLE_TO_|CERT_|DEPTH_|SELF_SIGNED_)/;

/** Errors of a Docker that does not answer name the address that was tried. */
function reaching(docker: Docker, address: string): Docker {
  const dial = docker.modem.dial.bind(docker.modem);
  docker.modem.dial = (options, callback) => {
    dial(options, (error: unknown, result: unknown) => {
      callback?.(explained(error, address) as Error | null, result as object | null);
    });
  };
  return docker;
}

function explained(error: unknown, address: string): unknown {
  if (!(error instanceof Error)) return error;
  const { code = "", statusCode } = error as Error & { code?: string; statusCode?: number };
  if (statusCode !== undefined || !UNREACHABLE.test(code)) return error;
  return new Error(`Docker is not reachable at ${address}: ${error.message}`, { cause: error });
}

/** True when containers of this Docker are processes of this machine, so that its kernel can be asked. */
export function isLocal(): boolean {
  const host = process.env.DOCKER_HOST ?? "";
  return host === "" || host.startsWith("unix:");
}

/** True for Docker's answer that the object does not exist. */
export function isNotFound(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 404;
}
