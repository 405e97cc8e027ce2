import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { z } from "zod";

const answer = z.object({ state: z.string(), reason: z.string().nullable() });

export interface Readiness {
  /** Of the supervisor, or `silent` when it does not answer. */
  state: string;
  reason: string;
}

/** curl's own time, and ours for a container that cannot even start it. */
const CURL_SECONDS = 5;
const LIMIT_MS = 8000;
const READY_URL = "http://127.0.0.1:8000/ready";

/** Asks a supervisor how its server is, through Docker alone: the gateway may be what fails. Never rejects. */
export async function readReadiness(container: Docker.Container): Promise<Readiness> {
  const silent = (reason: string): Readiness => ({ state: "silent", reason });
  try {
    const read = answer.safeParse(parsed(await ask(container, AbortSignal.timeout(LIMIT_MS))));
    if (!read.success) return silent("its supervisor does not answer");
    return { state: read.data.state, reason: read.data.reason ?? "" };
  } catch (error) {
    return silent(`it cannot be asked: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The body of `/ready`, whatever its status. Rejects when there is no answer in time. */
async function ask(container: Docker.Container, signal: AbortSignal): Promise<string> {
  const command = ["/usr/bin/curl", "-s", "--max-time", String(CURL_SECONDS), READY_URL];
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true, abortSignal: signal });
  const stream = await exec.start({ abortSignal: signal });
  const stdout = new PassThrough();
  const modem = container.modem as Docker["modem"];
  modem.demuxStream(stream, stdout, new PassThrough().resume());
  stream.on("end", () => stdout.end());
  stream.on("error", (error) => stdout.destroy(error));
  signal.addEventListener("abort", () => stream.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
  return text(stdout);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
