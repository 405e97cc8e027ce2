import { text } from "node:stream/consumers";
import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { connect } from "./docker.ts";

/** What a command in a container said. */
export interface ExecResult {
  /** Exit code; -1 where the container is between two starts or has ended. */
  code: number;
  stdout: string;
}

/** Runs a command in a running container. @throws Error of the Docker API, but for a container that does not run. */
export async function execIn(container: Docker.Container, command: string[]): Promise<ExecResult> {
  try {
    return await run(container, command);
  } catch (error) {
    // Docker's answer 409: it does not run.
    if ((error as { statusCode?: number }).statusCode === 409) return { code: -1, stdout: "" };
    throw error;
  }
}

async function run(container: Docker.Container, command: string[]): Promise<ExecResult> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  const stdout = new PassThrough();
  const stderr = new PassThrough().resume();
  connect().modem.demuxStream(stream, stdout, stderr);
  stream.on("end", () => stdout.end());
  const output = await text(stdout);
  const { ExitCode } = await exec.inspect();
  return { code: ExitCode ?? -1, stdout: output };
}
