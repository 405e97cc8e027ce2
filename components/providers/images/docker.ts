import Docker from "dockerode";
import { connect, isNotFound } from "../docker.ts";

/**
 * @param dockerHost `unix:///path`, `tcp://host:port` or `ssh://user@host`. @default DOCKER_HOST, else the local socket
 * @throws Error when the address is none of these.
 */
export function connectTo(dockerHost?: string): Docker {
  if (!dockerHost) return connect();
  const url = URL.parse(dockerHost);
  switch (url?.protocol) {
    case "unix:":
      return new Docker({ socketPath: url.pathname });
    case "tcp:":
      return new Docker({ protocol: "http", host: url.hostname, port: url.port || 2375 });
    case "ssh:":
      return new Docker({
        protocol: "ssh",
        host: url.hostname,
        port: url.port || 22,
        ...(url.username ? { username: url.username } : {}),
        ...(process.env.SSH_AUTH_SOCK ? { sshOptions: { agent: process.env.SSH_AUTH_SOCK } } : {}),
      });
    default:
      throw new Error(`dockerHost: "${dockerHost}" given; unix:///path, tcp://host:port or ssh://user@host is allowed`);
  }
}

/** What a tag or id points to; undefined when there is no such image. */
export async function inspectTag(docker: Docker, tag: string): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    return await docker.getImage(tag).inspect();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Reads a stream of Docker's progress messages to its end. @throws Error with Docker's own message. */
export async function finish(docker: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null, messages: Array<{ error?: string }> | undefined) => {
      const failed = messages?.find((message) => message.error);
      if (error) reject(error);
      else if (failed) reject(new Error(failed.error));
      else resolve();
    });
  });
}
