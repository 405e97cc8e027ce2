import { existsSync, openSync, closeSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { docker, type TestEstate } from "../testEstate.ts";
import { commandInWords, containerOf, processes, withoutEngineSettings } from "./processes.ts";
import type { Piece } from "./search.ts";

/** A process that is told a secret on its command line lives longer than this. */
const INTERVAL_MS = 50;
/** The programs of the images: they read secrets from files, and need none in their environment. */
const OWN_PROGRAMS = "/opt/mcp-estate/";

interface Seen {
  command: string;
  commandLine: Buffer;
  environment: Buffer;
  container: string | undefined;
}

/**
 * Looks at the host while commands work on an estate, and keeps what is gone afterwards: command lines and environments of
 * all processes, the engine's event logs, what containers have printed.
 */
export class Watch {
  /** Folder for the temporary files of commands (TMPDIR). */
  readonly temporary: string;
  /** Longest time between two looks, in ms. */
  longestGapMs = 0;
  /** How often it has looked. */
  looks = 0;
  private readonly estate: TestEstate;
  private readonly seen = new Map<string, Seen>();
  /** Path → descriptor: an event log that a command has removed is still read through it. */
  private readonly eventLogFiles = new Map<string, number>();
  /** Id → component, of containers of the estate. */
  private readonly components = new Map<string, Promise<string | undefined>>();
  private readonly logs: { component: string; chunks: Buffer[]; end: () => void }[] = [];

  constructor(estate: TestEstate) {
    this.estate = estate;
    this.temporary = join(estate.folder, "tmp");
  }

  /** Does `work` while it looks. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.look();
    let last = performance.now();
    const timer = setInterval(() => {
      this.look();
      const now = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, now - last);
      last = now;
    }, INTERVAL_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      this.look();
    }
  }

  *commandLines(): Generator<Piece> {
    for (const { command, commandLine } of this.seen.values())
      yield { of: `the command line ${command}`, content: commandLine };
  }

  async *environments(): AsyncGenerator<Piece> {
    for (const { command, environment, container } of this.seen.values()) {
      const component = container === undefined ? undefined : await this.components.get(container);
      const holder = command.includes(OWN_PROGRAMS) ? undefined : component;
      yield { of: `the environment of ${command}`, content: environment, holder };
    }
  }

  *eventLogs(): Generator<Piece> {
    for (const [path, descriptor] of this.eventLogFiles)
      yield { of: path, content: readFileSync(`/proc/self/fd/${descriptor}`) };
  }

  *containerLogs(): Generator<Piece> {
    for (const { component, chunks } of this.logs)
      yield { of: `the log of a container of ${component}`, content: Buffer.concat(chunks) };
  }

  /** Lets go of what it holds open. */
  close(): void {
    for (const descriptor of this.eventLogFiles.values()) closeSync(descriptor);
    this.eventLogFiles.clear();
    for (const { end } of this.logs) end();
  }

  private look(): void {
    this.looks++;
    this.openEventLogs();
    for (const { pid, commandLine, environment } of processes()) {
      const key = `${pid}\0${commandLine.toString("latin1")}\0${environment.toString("latin1")}`;
      if (this.seen.has(key)) continue;
      const container = containerOf(pid);
      this.seen.set(key, {
        command: commandInWords(commandLine),
        commandLine,
        environment: withoutEngineSettings(environment),
        container,
      });
      if (container !== undefined && !this.components.has(container)) {
        this.components.set(
          container,
          this.meet(container).catch(() => undefined),
        );
      }
    }
  }

  private openEventLogs(): void {
    const folders = existsSync(this.temporary) ? readdirSync(this.temporary) : [];
    for (const path of folders.map((folder) => join(this.temporary, folder, "events.json"))) {
      if (!this.eventLogFiles.has(path) && existsSync(path)) this.eventLogFiles.set(path, openSync(path, "r"));
    }
  }

  /** Component of a container of the estate, whose log is kept from now on. */
  private async meet(id: string): Promise<string | undefined> {
    const container = docker.getContainer(id);
    const { Labels } = (await container.inspect()).Config;
    const component = Labels["mcp-estate.component"];
    if (Labels["mcp-estate.stack"] !== this.estate.stack || component === undefined) return undefined;
    const chunks: Buffer[] = [];
    const log = await container.logs({ follow: true, stdout: true, stderr: true });
    log.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => undefined);
    this.logs.push({ component, chunks, end: () => (log as unknown as { destroy(): void }).destroy() });
    return component;
  }
}
