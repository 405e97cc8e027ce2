import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type Docker from "dockerode";
import type { ImageConfig } from "../../imageRecipe.ts";
import { isNotFound } from "../docker.ts";
import type { Architecture } from "./packages.ts";

/** All that makes one image from the one below it. */
export interface Assembly {
  docker: Docker;
  architecture: Architecture;
  /** Tag of the result. */
  tag: string;
  /** Tag for an intermediate image of this build. */
  stagingTag: string;
  /** What `docker history` shows for the layer. */
  purpose: string;
  /** Image below: id or tag. */
  from?: string;
  /** Files to add. */
  archive?: Readable;
  /** Run once the files are there. */
  command?: { args: readonly string[]; network?: boolean };
  config: ImageConfig;
  labels: Readonly<Record<string, string>>;
  /** Absolute paths that must be there at the end. */
  requires: readonly string[];
  log: (line: string) => void;
}

/** x bits of owner, group and others. */
const ANYBODY_EXECUTES = 0o111;

/**
 * One image layer: a container that is not started takes the files from a tar stream, with their owners, and is
 * committed. Quicker than a Dockerfile, whose every line is a container of its own, and needs no builder.
 * @throws Error when a required path is missing or the command fails; nothing is left behind.
 */
export async function assemble(assembly: Assembly): Promise<void> {
  const { docker, from, archive, command, requires, tag, purpose } = assembly;
  const name = `mcp-estate-build-${tag.replace(/^.*\//, "").replace(":", "-")}`;
  // Left by a build that was killed: who builds this tag holds its lock.
  await removeContainer(docker.getContainer(name));
  const container = await docker.createContainer({
    name,
    Image: from,
    User: "0:0",
    Entrypoint: [],
    // Docker wants one, and keeps it as the layer's history; without a command the container is never started.
    Cmd: [...(command?.args ?? [purpose])],
    // Without a terminal Docker puts frames around the output.
    Tty: true,
    HostConfig: { NetworkMode: command?.network ? "default" : "none", LogConfig: { Type: "json-file", Config: {} } },
  });
  try {
    if (archive) await container.putArchive(archive, { path: "/" });
    if (command) await runToEnd(container, command.args);
    for (const path of requires) await requirePath(container, path, tag);
    await commit(container, assembly);
  } finally {
    await removeContainer(container);
  }
}

async function commit(container: Docker.Container, { config, labels, tag }: Assembly): Promise<void> {
  const [repo, version] = tag.split(":");
  await container.commit({
    _query: { container: container.id, repo, tag: version, comment: "mcp-estate" },
    _body: {
      User: config.user,
      WorkingDir: config.workingDir,
      Entrypoint: config.entrypoint,
      // The command of the container that built it would else become arguments of the entrypoint.
      Cmd: config.entrypoint ? [] : ["/bin/sh"],
      Env: config.env,
      Labels: labels,
    },
  });
}

async function runToEnd(container: Docker.Container, args: readonly string[]): Promise<void> {
  await container.start();
  const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
  if (code === 0) return;
  const output = await container.logs({ stdout: true, stderr: true, tail: 20 });
  throw new Error(`${args[0]} ended with exit code ${code} in the build:\n${output.toString().trim()}`);
}

/** Fails the build where a file of the start command is missing or cannot be executed (exits 126, 127). */
async function requirePath(container: Docker.Container, path: string, tag: string): Promise<void> {
  let mode: number;
  try {
    const answer = (await container.infoArchive({ path })) as IncomingMessage;
    await drain(answer);
    const stat = Buffer.from(String(answer.headers["x-docker-container-path-stat"]), "base64").toString();
    ({ mode } = JSON.parse(stat) as { mode: number });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new Error(
      `${tag} would not start: there is no ${path} in it; check the start command and what the image is made of`,
      {
        cause: error,
      },
    );
  }
  if (path.includes("/bin/") && (mode & ANYBODY_EXECUTES) === 0) {
    throw new Error(`${tag} would not start: ${path} is not executable`);
  }
}

/** An answer that nobody reads keeps its connection, and this process, for minutes. */
async function drain(answer: IncomingMessage): Promise<void> {
  answer.resume();
  await finished(answer);
}

async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
