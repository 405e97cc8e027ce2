import { setTimeout as sleep } from "node:timers/promises";
import type { TestEstate } from "./testEstate.ts";

const CALLS_PER_SECOND = 20;

/** Calls one server's `echo` through the gateway at a steady rate and keeps how long each answer took. */
export class Neighbour {
  private times: number[] = [];
  private failures: string[] = [];
  private stopped = false;
  private readonly loop: Promise<void>;
  private readonly estate: TestEstate;
  private readonly server: string;

  constructor(estate: TestEstate, server: string) {
    this.estate = estate;
    this.server = server;
    this.loop = this.run();
  }

  /** Forgets what came before. */
  reset(): void {
    this.times = [];
    this.failures = [];
  }

  /** Milliseconds within which 95 % of the calls since the last reset were answered. */
  report(): { calls: number; p95: number; failures: readonly string[] } {
    const sorted = [...this.times].sort((a, b) => a - b);
    const p95 = sorted[Math.max(0, Math.ceil(sorted.length * 0.95) - 1)] ?? Number.NaN;
    return { calls: sorted.length, p95, failures: this.failures };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop;
  }

  /** A slow answer does not hold back the calls after it, else it would hide the time that they waited. */
  private async run(): Promise<void> {
    const open = new Set<Promise<void>>();
    for (let next = performance.now(); !this.stopped; next += 1000 / CALLS_PER_SECOND) {
      const call = this.call().finally(() => open.delete(call));
      open.add(call);
      await sleep(Math.max(0, next + 1000 / CALLS_PER_SECOND - performance.now()));
    }
    await Promise.all(open);
  }

  private async call(): Promise<void> {
    const { times, failures } = this;
    const started = performance.now();
    try {
      const { status } = await this.estate.execute(this.server, "echo", { message: "hello" });
      if (status !== 200) failures.push(`status ${status}`);
    } catch (error) {
      failures.push(String(error));
    }
    times.push(performance.now() - started);
  }
}
