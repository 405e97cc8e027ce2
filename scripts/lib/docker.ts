import { request } from "node:http";
import Docker from "dockerode";
import { connectTo } from "../../components/providers/docker.ts";
import type { Consent } from "./ask.ts";
import { installDocker, startDocker, type StartedDocker } from "./dockerInstall.ts";
import { findOnPath, type Environment } from "./exec.ts";
import type { Say } from "./log.ts";
import { codeOf, messageOf, UserError } from "./userError.ts";

const defaultSocket = "/var/run/docker.sock";

/** The labels that every object of an estate carries (components/naming.ts writes them). */
export const stackLabel = "mcp-estate.stack";

/** A client of the user's Docker: DOCKER_HOST, else the local socket. */
export function dockerClient(env: Environment = process.env): Docker {
  const socketPath = localSocket(env);
  return socketPath === undefined ? connectTo(env["DOCKER_HOST"]) : new Docker({ socketPath });
}

/** Whether a Docker answers within 5 s; if not, why. */
export async function dockerFault(env: Environment = process.env): Promise<Error | undefined> {
  const socketPath = localSocket(env);
  try {
    await (socketPath === undefined ? pingRemote(env) : pingSocket(socketPath));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

export interface EnsureOptions {
  env?: Environment;
  say: Say;
  consent: Consent;
}

/**
 * Makes sure that a Docker answers. Where none does and this is root on Debian or Ubuntu, installs and starts it.
 * @returns the process id of a dockerd that was started by hand, without a service manager.
 * @throws UserError when a Docker that the user has named does not answer, or none can be had.
 */
export async function ensureDocker({ env = process.env, say, consent }: EnsureOptions): Promise<StartedDocker> {
  const fault = await dockerFault(env);
  if (fault === undefined) return { pid: undefined };

  if (env["DOCKER_HOST"]) {
    throw new UserError(
      `Docker does not answer at DOCKER_HOST="${env["DOCKER_HOST"]}" (${fault.message}); start it there, or unset DOCKER_HOST for the local one at ${defaultSocket}`,
    );
  }
  if (codeOf(fault) === "EACCES") {
    throw new UserError(
      `${defaultSocket} may not be opened by this user; run as root, or add the user to the group docker and log in again`,
    );
  }
  if (findOnPath("dockerd", `${env["PATH"] ?? ""}:/usr/sbin:/sbin`) === undefined) {
    await installDocker({ env, say, consent, reason: `no Docker answers at ${defaultSocket}` });
  }
  const started = await startDocker({ env, say, answers: async () => (await dockerFault(env)) === undefined });
  return started;
}

/** The unix socket of the user's Docker, or undefined when it is reached in another way. */
function localSocket(env: Environment): string | undefined {
  const host = env["DOCKER_HOST"];
  if (!host) return defaultSocket;
  return host.startsWith("unix://") ? host.slice("unix://".length) : undefined;
}

/** Without dockerode's own 0.1 s. */
function pingSocket(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const ping = request({ socketPath, path: "/_ping", timeout: 5_000 }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`it answers ${response.statusCode ?? "nothing"}`));
    });
    ping.on("timeout", () => ping.destroy(new Error("no answer within 5 s")));
    ping.on("error", reject);
    ping.end();
  });
}

async function pingRemote(env: Environment): Promise<void> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => {
      reject(new Error("no answer within 5 s"));
    }, 5_000).unref();
  });
  await Promise.race([
    connectTo(env["DOCKER_HOST"])
      .ping()
      .catch((error: unknown) => {
        throw new Error(messageOf(error));
      }),
    late,
  ]);
}
