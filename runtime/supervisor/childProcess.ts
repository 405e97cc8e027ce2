import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { BatchedWriter } from "../wire/batchedWriter.ts";
import { Fault } from "../wire/faults.ts";
import { LineFramer } from "../wire/lineFramer.ts";
import { endGroup } from "./processGroup.ts";

export interface ChildSpec {
  readonly command: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started at all. */
  readonly error: string | undefined;
}

export interface ChildHandlers {
  readonly stdout: (line: string) => void;
  readonly stderr: (line: string) => void;
  readonly oversize: (head: string, tail: string, bytes: number) => void;
}

/** Bytes that may wait for a child that does not read its stdin; beyond it calls are refused (R-TRN-09). */
const MAX_STDIN_BYTES = 16 << 20;
const MAX_STDERR_LINE_BYTES = 64 << 10;

/** One child in its own process group, spoken to by lines. */
export class ChildProcess {
  readonly startedAt = Date.now();
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #writer = new BatchedWriter((text) => {
    if (this.#process.stdin.writable) this.#process.stdin.write(text);
  });

  constructor(spec: ChildSpec, handlers: ChildHandlers, maxLineBytes: number) {
    const [file = "", ...args] = spec.command;
    // detached makes the child the leader of a new group, so that one signal reaches all of its descendants
    const child = spawn(file, args, { cwd: spec.cwd, env: { ...spec.env }, detached: true, stdio: "pipe" });
    this.#process = child;
    const stdout = new LineFramer(maxLineBytes, { line: handlers.stdout, oversize: handlers.oversize });
    const stderr = new LineFramer(MAX_STDERR_LINE_BYTES, {
      line: handlers.stderr,
      oversize: (head, _tail, bytes) => handlers.stderr(`${head} … (${bytes} bytes)`),
    });
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // an error on a pipe only says that the child is going; its exit is reported on its own
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => undefined);
    this.exited = new Promise((resolve) => {
      child.once("error", (error) => resolve({ code: null, signal: null, error: error.message }));
      child.once("exit", (code, signal) => {
        stdout.end();
        stderr.end();
        resolve({ code, signal, error: undefined });
      });
    });
  }

  /** undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Throws Fault "overloaded" when the child does not read, "unavailable" when it is gone. */
  send(text: string): void {
    const { stdin } = this.#process;
    if (!stdin.writable) throw new Fault("unavailable", "the server process has ended");
    if (stdin.writableLength + this.#writer.pendingLength > MAX_STDIN_BYTES)
      throw new Fault("overloaded", "the server does not read its input");
    this.#writer.push(`${text}\n`);
  }

  /** Ends the whole group and waits for it. Returns false when something could not be ended. */
  async stop(graceMs: number): Promise<boolean> {
    const { pid } = this;
    if (pid === undefined) return true;
    this.#writer.flush();
    this.#process.stdin.end();
    const ended = await endGroup(pid, graceMs);
    await this.exited;
    for (const stream of [this.#process.stdin, this.#process.stdout, this.#process.stderr]) stream.destroy();
    return ended;
  }
}
