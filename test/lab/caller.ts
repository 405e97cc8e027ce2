/**
 * Calls a gateway at a constant rate, whatever becomes of the answers, until its standard input ends; then says as JSON
 * what came of it. It runs where the hosts of a lab can be called: `caller.ts SPEC`.
 */
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";

export interface CallerSpec {
  /** Base URLs, asked in turn. */
  urls: readonly string[];
  token: string;
  /** What the edges show, PEM. */
  certificate: string;
  callsPerSecond: number;
  calls: ReadonlyArray<{ server: string; tool: string; arguments: object }>;
}

export interface CallerReport {
  calls: number;
  lost: readonly { url: string; server: string; fault: string; at: string }[];
  longestMs: number;
}

/** R-GW-04. */
const TIMEOUT_MS = 32_000;

const { urls, token, certificate, callsPerSecond, calls } = JSON.parse(process.argv[2] ?? "") as CallerSpec;
const agent = new Agent({ keepAlive: true, ca: certificate, checkServerIdentity: () => undefined });
const lost: CallerReport["lost"][number][] = [];
let longestMs = 0;

async function call(number: number): Promise<void> {
  const url = urls[number % urls.length] ?? "";
  const one = calls[Math.floor(number / urls.length) % calls.length];
  const began = performance.now();
  const at = new Date().toISOString();
  const fault = await new Promise<string>((resolve) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const sent = request(`${url}/execute`, { agent, method: "POST", headers, timeout: TIMEOUT_MS }, (response) => {
      text(response).then(
        (body) => resolve(response.statusCode === 200 ? "" : `${response.statusCode ?? 0} ${body.slice(0, 200)}`),
        (error: unknown) => resolve((error as Error).message),
      );
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", (error) => resolve(error.message)).end(JSON.stringify(one));
  });
  longestMs = Math.max(longestMs, Math.round(performance.now() - began));
  if (fault !== "") lost.push({ url, server: one?.server ?? "", fault, at });
}

const pending: Promise<void>[] = [];
const timer = setInterval(() => pending.push(call(pending.length)), 1000 / callsPerSecond);
process.stdin.resume().on("end", () => {
  clearInterval(timer);
  void Promise.all(pending).then(() => {
    const report: CallerReport = { calls: pending.length, lost, longestMs };
    process.stdout.write(JSON.stringify(report), () => process.exit(0));
  });
});
