import { join } from "node:path";
import {
  COLLECTOR_DATA_DIR,
  COLLECTOR_SECRETS,
  SECRETS_DIR,
  type CollectorContract,
  type Controlled,
} from "../contract/index.ts";
import type { Logger } from "../wire/log.ts";
import { readSecretFile } from "../wire/secretFile.ts";
import { CANARY_EVENT, newestCanary, writeCanary, type StoreArgs } from "./canary.ts";
import type { ContainerLogs } from "./containerLogs.ts";
import { logLines, type LogLine } from "./dockerLog.ts";
import { Follower } from "./follower.ts";
import { LokiSink } from "./lokiSink.ts";
import { CollectorMetrics } from "./metrics.ts";
import { Positions, type Position } from "./positions.ts";
import { TraceRelay } from "./traceRelay.ts";

export interface CollectorArgs {
  contract: CollectorContract;
  logs: ContainerLogs;
  log: Logger;
  /** @default where the container has it */
  dataDir?: string;
  secretsDir?: string;
}

const LIST_MS = 2000;
const SAVE_MS = 1000;
const FROM_THE_BEGINNING: Position = { nanoseconds: 0n, lines: 0 };
/** Its own name, by which it knows itself among the containers. */
const COMPONENT = "collector";

/** Delivers what all containers of the stack write, and proves with a canary line that the way is open (R-MON-07, R-ALR-10). */
export class Collector {
  readonly metrics = new CollectorMetrics();
  readonly traces: TraceRelay | undefined;
  readonly #args: CollectorArgs;
  readonly #positions: Positions;
  readonly #followers = new Map<string, Follower>();
  readonly #sink: LokiSink | undefined;
  readonly #store: StoreArgs | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #containers: readonly Controlled[] = [];
  #fault: string | undefined;
  #over = false;

  constructor(args: CollectorArgs) {
    this.#args = args;
    const { contract, log, dataDir = COLLECTOR_DATA_DIR, secretsDir = SECRETS_DIR } = args;
    const { estate, stack, loki, traces } = contract;
    this.#positions = new Positions(join(dataDir, "positions.json"));
    if (loki) {
      const headers = (): Record<string, string> => ({
        ...(loki.tenant ? { "x-scope-orgid": loki.tenant } : {}),
        ...(loki.login ? { authorization: basic(readSecretFile(secretsDir, COLLECTOR_SECRETS.lokiLogin)) } : {}),
      });
      const count: ConstructorParameters<typeof LokiSink>[0]["count"] = (outcome, lines) =>
        this.metrics.lines.inc({ outcome }, lines);
      this.#sink = new LokiSink({ url: loki.url, headers, labels: { estate, stack }, log, count });
      this.#store = { url: loki.url, headers, labels: { estate, stack, container: COMPONENT } };
    }
    if (traces) {
      const headers = () =>
        JSON.parse(readSecretFile(secretsDir, COLLECTOR_SECRETS.otlpHeaders)) as Record<string, string>;
      this.traces = new TraceRelay({
        url: traces.url,
        headers,
        log,
        count: (outcome) => this.metrics.traces.inc({ outcome }),
      });
    }
  }

  start(): void {
    const { canarySeconds } = this.#args.contract;
    this.#every(LIST_MS, () => this.#list());
    this.#every(canarySeconds * 1000, () => this.#canary());
    this.#every(SAVE_MS, () => Promise.resolve(this.#positions.save()));
  }

  stop(): void {
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const follower of this.#followers.values()) follower.stop();
    this.#sink?.stop();
    this.#positions.save();
  }

  /** The last lines of every container of a component, oldest first. @returns undefined where there is none of that name. */
  async tail(component: string, lines: number): Promise<LogLine[] | undefined> {
    const ids = this.#containers.filter((container) => container.component === component).map(({ id }) => id);
    if (ids.length === 0) return undefined;
    const found: LogLine[] = [];
    for (const id of ids) for await (const line of logLines(await this.#args.logs.tail(id, lines))) found.push(line);
    return found.sort((a, b) => (a.nanoseconds < b.nanoseconds ? -1 : 1)).slice(-lines);
  }

  #every(ms: number, act: () => Promise<void>): void {
    const index = this.#timers.length;
    const next = (): void => {
      void act()
        .catch((error: unknown) => this.#say(error))
        .finally(() => {
          if (!this.#over) this.#timers[index] = setTimeout(next, ms);
        });
    };
    this.#timers.push(setTimeout(next, 0));
  }

  /** A fault that lasts is said once. */
  #say(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== this.#fault) this.#args.log.error({ event: "failed", reason });
    this.#fault = reason;
  }

  async #list(): Promise<void> {
    try {
      this.#containers = await this.#args.logs.containers();
      this.metrics.controlUp.set(1);
    } catch (error) {
      this.metrics.controlUp.set(0);
      throw error;
    }
    // Without a store nobody wants what the others write.
    const wanted = this.#containers.filter(({ component }) => this.#sink !== undefined || component === COMPONENT);
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, follower] of this.#followers) {
      if (ids.has(id)) continue;
      follower.stop();
      this.#followers.delete(id);
    }
    this.#positions.keep(ids);
    for (const container of wanted) if (!this.#followers.has(container.id)) this.#follow(container);
    this.metrics.followed.set(this.#followers.size);
  }

  #follow(container: Controlled): void {
    const { logs, log } = this.#args;
    const { id, component } = container;
    const sink = this.#sink;
    const now = { nanoseconds: BigInt(Date.now()) * 1_000_000n, lines: 0 };
    const from = sink ? (this.#positions.get(id) ?? FROM_THE_BEGINNING) : now;
    const deliver = sink
      ? (line: LogLine, position: Position) =>
          sink.add({ container: component }, line, () => this.#positions.set(id, position))
      : (line: LogLine) => {
          if (line.text.includes(CANARY_EVENT)) this.metrics.canary.set(Number(line.nanoseconds / 1_000_000n) / 1000);
          return Promise.resolve();
        };
    this.#followers.set(id, new Follower({ container, logs, from, deliver, log }));
  }

  async #canary(): Promise<void> {
    writeCanary(this.#args.log);
    if (!this.#store) return;
    const newest = await newestCanary(this.#store);
    if (newest !== undefined) this.metrics.canary.set(newest);
  }
}

function basic(login: string): string {
  return `Basic ${Buffer.from(login).toString("base64")}`;
}
