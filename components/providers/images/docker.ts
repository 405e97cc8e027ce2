import type Docker from "dockerode";
import { isNotFound } from "../docker.ts";

/** What a tag or id points to; undefined when there is no such image. */
export async function inspectTag(docker: Docker, tag: string): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    return await docker.getImage(tag).inspect();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** One message of Docker's while it works. */
interface Progress {
  error?: string;
  aux?: { ID?: string };
}

/** Reads a stream of Docker's progress messages to its end. @throws Error with Docker's own message. */
export async function finish(docker: Docker, stream: NodeJS.ReadableStream): Promise<readonly Progress[]> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null, messages?: Progress[]) => {
      const failed = messages?.find((message) => message.error);
      if (error) reject(error);
      else if (failed) reject(new Error(failed.error));
      else resolve(messages ?? []);
    });
  });
}

/**
 * Id of another's image, from its registry where the host has none.
 * @throws Error when it is neither there nor to be had.
 */
export async function pulled(docker: Docker, name: string, reference: string): Promise<string> {
  try {
    if (!(await inspectTag(docker, reference))) await finish(docker, await docker.pull(reference));
    return (await docker.getImage(reference).inspect()).Id;
  } catch (error) {
    throw new Error(
      `${name}: image "${reference}" is not on the Docker host and cannot be pulled (${(error as Error).message}); load it with docker load, or take ${name} out of the stack's settings`,
      { cause: error },
    );
  }
}
