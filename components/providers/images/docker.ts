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
