import type { ServerContract } from "../contract/index.ts";
import { isRecord, notificationText, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import type { Logger } from "../wire/log.ts";
import { LATEST_REVISION } from "../wire/revisions.ts";
import { ChildProcess, type ChildExit } from "./childProcess.ts";
import { childSpec, readSecrets, redactor } from "./childSpec.ts";
import { HttpPeer } from "./httpPeer.ts";
import { LineLog } from "./lineLog.ts";
import { RpcChannel } from "./rpcChannel.ts";
import type { Settings } from "./settings.ts";

/** Sent as clientInfo when the supervisor itself is the client. */
const SUPERVISOR_INFO = { name: "mcp-estate-supervisor", version: "1" } as const;

/**
 * A shared child gets no client capabilities: it could not say whose model or whose user it wants to ask, so sampling,
 * elicitation and roots are refused by name instead of being sent to the wrong session.
 */
export const SHARED_CLIENT = {
  protocolVersion: LATEST_REVISION,
  capabilities: {},
  clientInfo: SUPERVISOR_INFO,
} as const;

export interface LiveChildOptions {
  readonly contract: ServerContract;
  readonly settings: Settings;
  readonly secretsDir: string;
  readonly log: Logger;
  readonly unsolicited: (envelope: Envelope) => void;
  /** Counts lines that were no message. */
  readonly stray: () => void;
}

/** Loopback ports of children with `transport: http`, beside the service's own 8000. */
const FIRST_PORT = 8100;
const PORTS = 400;
let nextPort = 0;

/** Each start takes another port: the one before may still be in TIME_WAIT, and isolated children run side by side. */
function takePort(): number {
  nextPort = (nextPort + 1) % PORTS;
  return FIRST_PORT + nextPort;
}

/** One running child with its connection: spawned, initialised once, and ended with its whole process group. */
export class LiveChild {
  readonly channel: RpcChannel;
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #peer: HttpPeer | undefined;
  readonly #output: LineLog;
  readonly #graceMs: number;
  /** Result of `initialize`; undefined until it came. */
  initializeResult: Readonly<Record<string, unknown>> | undefined;

  /** Starts the process. Throws ConfigurationError when a secret is missing. */
  constructor({ contract, settings, secretsDir, log, unsolicited, stray }: LiveChildOptions) {
    const secrets = readSecrets(contract, secretsDir);
    const redact = redactor(secrets);
    const lines = (stream: string) =>
      new LineLog((line, dropped) =>
        log.info({ event: "child-output", stream, line, ...(dropped > 0 && { dropped }) }),
      );
    const stderr = lines("stderr");
    const stdout = lines("stdout");
    this.#output = stderr;
    this.#graceMs = settings.graceMs;
    this.channel = new RpcChannel(
      {
        send: (text) => (this.#peer ?? this.#process).send(text),
        unsolicited,
        stray: (text) => {
          stray();
          stdout.add(redact(text));
        },
      },
      settings.channel,
    );
    const spec = childSpec(contract, secrets);
    const port = contract.transport === "http" ? takePort() : undefined;
    if (port !== undefined) {
      spec.env["PORT"] = String(port);
      this.#peer = new HttpPeer({
        port,
        receive: (text) => this.channel.receive(text),
        failed: (idText, fault) => this.channel.fail(idText, fault),
        maxBytes: settings.maxMessageBytes,
      });
    }
    this.#process = new ChildProcess(
      spec,
      {
        // a server on HTTP may print on stdout what it likes
        stdout: (line) => (this.#peer === undefined ? this.channel.receive(line) : stdout.add(redact(line))),
        stderr: (line) => stderr.add(redact(line)),
        oversize: (head, tail, bytes) => {
          stdout.add(`a line of ${bytes} bytes was dropped`);
          this.channel.oversize(head, tail, bytes);
        },
      },
      settings.maxMessageBytes,
    );
    this.exited = this.#process.exited;
    void this.exited.then((exit) => this.channel.close(`the server process ended: ${exitText(exit)}`));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get startedAt(): number {
    return this.#process.startedAt;
  }

  /** The last lines of its stderr. */
  get lastLines(): readonly string[] {
    return this.#output.last;
  }

  /** The MCP handshake. Rejects with a Fault when the child answers with an error, nonsense or not in time. */
  async initialize(params: object, timeoutMs: number): Promise<void> {
    const result = await this.channel.call("initialize", params, timeoutMs);
    if (!isRecord(result) || typeof result["protocolVersion"] !== "string") {
      throw new Fault("upstream", "initialize was answered with something that is no initialize result");
    }
    this.channel.send(notificationText("notifications/initialized"));
    this.initializeResult = result;
  }

  /** Ends the group: TERM, KILL after the grace period, awaited. */
  async stop(): Promise<boolean> {
    this.channel.close("the server is being stopped");
    this.#peer?.close();
    return this.#process.stop(this.#graceMs);
  }
}

export function exitText(exit: ChildExit): string {
  if (exit.error !== undefined) return exit.error;
  return exit.signal === null ? `exit ${exit.code ?? "without a code"}` : `signal ${exit.signal}`;
}
