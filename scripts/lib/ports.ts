import { createServer } from "node:net";
import { dockerClient, stackLabel } from "./docker.ts";
import type { Environment } from "./exec.ts";
import { codeOf, UserError } from "./userError.ts";

export interface WantedPort {
  port: number;
  /** The address on the host. */
  bind: string;
  /** The setting that holds it, for the error. */
  key: string;
  stack: string;
}

/**
 * Makes sure that a port is free, or published by a container of this very stack already.
 * @throws UserError that names the port, its holder as far as known, and the setting.
 */
export async function ensurePortIsOurs(wanted: WantedPort, env: Environment = process.env): Promise<void> {
  if (await isFree(wanted)) return;
  const holder = await publisherOf(wanted.port, env);
  if (holder?.stack === wanted.stack) return;
  const who =
    holder === undefined
      ? "another program"
      : `container ${holder.name}${holder.stack === undefined ? "" : ` of stack "${holder.stack}"`}`;
  throw new UserError(
    `port ${wanted.port} on ${wanted.bind} is in use by ${who}; end that, or set ${wanted.key} to a free port (1 to 65535)`,
  );
}

/** False only where somebody listens; an address or port that this user may not bind is for Docker to judge. */
function isFree({ port, bind }: WantedPort): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", (error) => {
      resolve(codeOf(error) !== "EADDRINUSE");
    });
    server.listen({ port, host: bind, exclusive: true }, () =>
      server.close(() => {
        resolve(true);
      }),
    );
  });
}

async function publisherOf(
  port: number,
  env: Environment,
): Promise<{ name: string; stack: string | undefined } | undefined> {
  const containers = await dockerClient(env).listContainers();
  const publisher = containers.find(({ Ports }) => Ports.some(({ PublicPort }) => PublicPort === port));
  if (publisher === undefined) return undefined;
  return { name: publisher.Names[0]?.slice(1) ?? publisher.Id.slice(0, 12), stack: publisher.Labels[stackLabel] };
}
