import { Agent, get } from "node:http";

const INTERVAL_MS = 1000;
/** Longer than any of the buckets that it is counted in. */
const TIMEOUT_MS = 31_000;

/**
 * Asks this gateway's own /health once a second over its loopback, as a caller would: what a request waits for before it is
 * even read counts too, which no clock around its handling sees.
 */
export class SelfProbe {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  readonly #observe: (seconds: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param observe is told how long each answer took; one that fails is told as if it had taken all its time. */
  constructor(port: number, observe: (seconds: number) => void) {
    this.#port = port;
    this.#observe = observe;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#ask(), INTERVAL_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#agent.destroy();
  }

  async #ask(): Promise<void> {
    const began = performance.now();
    const answered = await this.#answered();
    if (this.#timer === undefined) return;
    this.#observe(answered ? (performance.now() - began) / 1000 : TIMEOUT_MS / 1000);
    this.start();
  }

  #answered(): Promise<boolean> {
    return new Promise((resolve) => {
      const options = { agent: this.#agent, host: "127.0.0.1", port: this.#port, path: "/health", timeout: TIMEOUT_MS };
      const request = get(options, (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode === 200));
        response.once("error", () => resolve(false));
      });
      request.once("timeout", () => request.destroy());
      request.once("error", () => resolve(false));
    });
  }
}
