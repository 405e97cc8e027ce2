import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import tar from "tar-stream";
import type { OperationContext } from "../resourceType.ts";
import { endpoint } from "./containerOptions.ts";
import type { ContainerInputs, NetworkAttachment, Upload } from "./containerOptions.ts";

/** Time between two looks at a container that is coming up. */
const POLL_MILLISECONDS = 150;

/**
 * Attaches the networks beyond the first, which the create request has attached. The container is not started yet, so
 * Docker only notes each and sets all of them up in one go at the start.
 */
export async function attachNetworks(
  docker: Docker,
  id: string,
  networks: readonly NetworkAttachment[],
): Promise<void> {
  await Promise.all(
    networks
      .slice(1)
      .map((network) => docker.getNetwork(network.name).connect({ Container: id, EndpointConfig: endpoint(network) })),
  );
}

/** Puts the declared files into a container that is created and not started. */
export async function upload(container: Docker.Container, uploads: readonly Upload[]): Promise<void> {
  if (uploads.length === 0) return;
  const pack = tar.pack();
  for (const file of uploads) {
    const mode = file.permissions ? Number.parseInt(file.permissions, 8) : file.executable ? 0o744 : 0o644;
    pack.entry({ name: file.file.replace(/^\/+/, ""), mode }, contentOf(file));
  }
  pack.finalize();
  await container.putArchive(pack as unknown as NodeJS.ReadableStream, { path: "/" });
}

function contentOf({ content, contentBase64, source }: Upload): Buffer {
  if (source) return readFileSync(source);
  return contentBase64 ? Buffer.from(contentBase64, "base64") : Buffer.from(content ?? "", "utf8");
}

/**
 * Starts the container and waits for what was asked: that it runs (`mustRun`), that it is healthy (`wait`), that it has
 * ended (`attach`).
 *
 * @returns what was written until the end, for `attach` with `logs`.
 * @throws Error saying what did not come true, with the container's last words.
 */
export async function bringUp(
  container: Docker.Container,
  inputs: ContainerInputs,
  context: OperationContext,
): Promise<string | undefined> {
  if (inputs["attach"] === true) return attachUntilEnd(container, inputs);
  await container.start();
  if (inputs["wait"] === true) await untilHealthy(container, Number(inputs["waitTimeout"] ?? 60), context);
  else if (inputs["mustRun"] !== false)
    await untilRunning(container, Number(inputs["containerReadRefreshTimeoutMilliseconds"] ?? 15_000), context);
  return undefined;
}

async function attachUntilEnd(container: Docker.Container, inputs: ContainerInputs): Promise<string | undefined> {
  // Waiting starts before the container does: one that ends at once is not missed, nor one that is removed then.
  const ended = container.wait({ condition: "next-exit" });
  const output =
    inputs["logs"] === true
      ? collect(await container.attach({ stream: true, stdout: true, stderr: true }), container, inputs["tty"] === true)
      : undefined;
  await container.start();
  await ended;
  return output;
}

/** What a container writes until its end, stdout and stderr in the order in which they came. */
function collect(stream: NodeJS.ReadWriteStream, container: Docker.Container, tty: boolean): Promise<string> {
  const chunks: Buffer[] = [];
  const sink = { write: (chunk: Buffer) => chunks.push(chunk) } as unknown as NodeJS.WritableStream;
  // With a terminal there is one stream; without, stdout and stderr come in frames.
  if (tty) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  else (container.modem as Docker["modem"]).demuxStream(stream, sink, sink);
  return new Promise((resolve, reject) => {
    stream.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    stream.on("error", reject);
  });
}

async function untilRunning(
  container: Docker.Container,
  milliseconds: number,
  context: OperationContext,
): Promise<void> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const { State, RestartCount } = await container.inspect();
    if (State.Running && !State.Restarting) return;
    if (State.Status === "exited" || State.Status === "dead" || RestartCount > 0 || Date.now() > deadline) {
      throw new Error(
        `container exited after creation with code ${State.ExitCode}${State.Error ? ` (${State.Error})` : ""}${await lastWords(container)}`,
      );
    }
    await sleep(POLL_MILLISECONDS, undefined, { signal: context.cancelled });
  }
}

async function untilHealthy(container: Docker.Container, seconds: number, context: OperationContext): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const { State, Config } = await container.inspect();
    const test = Config.Healthcheck?.Test;
    if (test === undefined || test.length === 0 || test[0] === "NONE") {
      throw new Error("`wait` is true, but the container has no health check: give `healthcheck` or leave `wait` out");
    }
    if (State.Health?.Status === "healthy") return;
    if (State.Status === "exited" || State.Status === "dead")
      throw new Error(
        `container failed to be in healthy state: it exited with code ${State.ExitCode}${await lastWords(container)}`,
      );
    if (Date.now() > deadline) {
      const last = State.Health?.Log?.at(-1) as { ExitCode: number; Output: string } | undefined;
      const why =
        last === undefined
          ? ""
          : `: its last check ended with code ${last.ExitCode}${last.Output.trim() ? `, ${last.Output.trim()}` : ""}`;
      throw new Error(`container failed to be in healthy state${why} (waited ${seconds} s)`);
    }
    await sleep(POLL_MILLISECONDS, undefined, { signal: context.cancelled });
  }
}

/** The last lines of a container that failed, for the error message. Secrets are not expected there, and not kept. */
async function lastWords(container: Docker.Container): Promise<string> {
  try {
    const raw = await container.logs({ stdout: true, stderr: true, tail: 5 });
    const text = raw
      .toString("utf8")
      .replace(/[^\x20-\x7e\n]/g, "")
      .trim();
    return text === "" ? "" : `; its last lines: ${text}`;
  } catch {
    return "";
  }
}
