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
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Readiness>((resolve) => {
    timer = setTimeout(() => resolve(silent(`its supervisor did not answer within ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  const asked = ask(container).then(
    (body) => {
      const read = answer.safeParse(parsed(body));
      if (!read.success) return silent("its supervisor does not answer");
      return { state: read.data.state, reason: read.data.reason ?? "" };
    },
    (error: unknown) => silent(`it cannot be asked: ${error instanceof Error ? error.message : String(error)}`),
  );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}

/** The body of `/ready`, whatever its status. */
async function ask(container: Docker.Container): Promise<string> {
  const command = ["/usr/bin/curl", "-s", "--max-time", String(CURL_SECONDS), READY_URL];
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  const stdout = new PassThrough();
  const modem = container.modem as Docker["modem"];
  modem.demuxStream(stream, stdout, new PassThrough().resume());
  stream.on("end", () => stdout.end());
  stream.on("error", (error) => stdout.destroy(error));
  return text(stdout);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
