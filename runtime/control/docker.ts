import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

export interface DockerAnswer {
  status: number;
  text: string;
}

/** Asks Docker; the filter's one way to it, so that a test can stand in. */
export type AskDocker = (method: "GET" | "POST", path: string) => Promise<DockerAnswer>;

/** A restart waits for the container's own end first. */
const TIMEOUT_MS = 60_000;

/** Docker behind a socket. */
export function dockerAt(socketPath: string): AskDocker {
  return async (method, path) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath, method, path, signal, agent: false }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, text: body }), reject);
      });
      asked.on("error", reject).end();
    });
  };
}

/** Opens a stream of Docker's. Ends with `signal`. */
export type OpenDocker = (path: string, signal: AbortSignal) => Promise<IncomingMessage>;

/** Docker behind a socket, for answers that do not end. */
export function dockerStreamAt(socketPath: string): OpenDocker {
  return (path, signal) =>
    new Promise((resolve, reject) => {
      request({ socketPath, path, signal, agent: false }, resolve).on("error", reject).end();
    });
}
