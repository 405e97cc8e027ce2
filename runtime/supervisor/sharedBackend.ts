import { errorText, resultText, type Envelope } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import { LOG_LEVELS } from "../wire/logLevels.ts";
import type { Backend } from "./backend.ts";
import type { LiveChild } from "./liveChild.ts";
import type { RpcChannel } from "./rpcChannel.ts";
import type { Session } from "./session.ts";

/** A setting is sent to the child besides the calls, and must not hold one up for long. */
const SETTING_TIMEOUT_MS = 10_000;

export interface SharedOptions {
  readonly sessions: () => Iterable<Session>;
  readonly child: () => LiveChild | undefined;
  /** Why there is no child just now. */
  readonly reason: () => string;
}

/**
 * One child for all sessions. What is a setting of the child (log level, subscriptions) is held per session, and the
 * child gets the sum of them; what the child says goes to the sessions that asked for it.
 */
export class SharedBackend implements Backend {
  readonly #options: SharedOptions;
  #childLevel: string | undefined;
  #lastResult: Readonly<Record<string, unknown>> | undefined;

  constructor(options: SharedOptions) {
    this.#options = options;
  }

  /** A new child knows nothing of the settings of the sessions that go on. */
  childReady(child: LiveChild): void {
    this.#lastResult = child.initializeResult;
    this.#childLevel = undefined;
    void this.#applyLevel().catch(() => undefined);
    const uris = new Set([...this.#options.sessions()].flatMap((session) => [...session.subscriptions]));
    for (const uri of uris)
      void child.channel.call("resources/subscribe", { uri }, SETTING_TIMEOUT_MS).catch(() => undefined);
  }

  open(): Promise<Readonly<Record<string, unknown>>> {
    const result = this.#options.child()?.initializeResult ?? this.#lastResult;
    return result === undefined ? Promise.reject(this.#unavailable()) : Promise.resolve(result);
  }

  channel(): RpcChannel {
    const child = this.#options.child();
    if (child === undefined) throw this.#unavailable();
    return child.channel;
  }

  answer(session: Session, request: Envelope): Promise<object> | undefined {
    if (request.method === "logging/setLevel") return this.#setLevel(session, request.params?.["level"]);
    const uri = request.params?.["uri"];
    if (typeof uri !== "string") return undefined;
    if (request.method === "resources/subscribe") {
      const known = this.#subscribed(uri);
      session.subscriptions.add(uri);
      return known ? Promise.resolve({}) : undefined;
    }
    if (request.method === "resources/unsubscribe") {
      session.subscriptions.delete(uri);
      return this.#subscribed(uri) ? Promise.resolve({}) : undefined;
    }
    return undefined;
  }

  /** `initialized` and changed roots of one of many clients mean nothing to a shared child. */
  notified(): void {}

  /** The child asks nothing that could be answered. */
  answered(): void {}

  closed(session: Session): void {
    for (const uri of session.subscriptions) {
      if (this.#subscribed(uri, session)) continue;
      void this.#options
        .child()
        ?.channel.call("resources/unsubscribe", { uri }, SETTING_TIMEOUT_MS)
        .catch(() => undefined);
    }
  }

  /** A request or notification of the child itself. */
  unsolicited(envelope: Envelope, channel: RpcChannel): void {
    if (envelope.kind === "request") {
      channel.send(this.#refuse(envelope));
      return;
    }
    for (const session of this.#options.sessions()) if (this.#concerns(session, envelope)) session.push(envelope.text);
  }

  #refuse(envelope: Envelope): string {
    const id = envelope.idText ?? "null";
    if (envelope.method === "ping") return resultText(id, {});
    const message = `${envelope.method} is refused: this server is shared, and its request names no session`;
    return errorText(id, { code: -32601, message });
  }

  #concerns(session: Session, { method, params }: Envelope): boolean {
    if (method === "notifications/resources/updated") return session.subscriptions.has(String(params?.["uri"]));
    if (method !== "notifications/message") return method.endsWith("/list_changed");
    const wanted = LOG_LEVELS.indexOf(session.logLevel ?? "debug");
    return LOG_LEVELS.indexOf(String(params?.["level"])) >= wanted;
  }

  #subscribed(uri: string, except?: Session): boolean {
    return [...this.#options.sessions()].some((session) => session !== except && session.subscriptions.has(uri));
  }

  async #setLevel(session: Session, level: unknown): Promise<object> {
    if (typeof level !== "string" || !LOG_LEVELS.includes(level)) {
      throw new Fault("bad-request", `level must be one of ${LOG_LEVELS.join(", ")}`);
    }
    session.logLevel = level;
    await this.#applyLevel();
    return {};
  }

  /** The child gets the most talkative level that any session wants. */
  async #applyLevel(): Promise<void> {
    const wanted = [...this.#options.sessions()]
      .map((session) => LOG_LEVELS.indexOf(session.logLevel ?? ""))
      .filter((rank) => rank >= 0);
    const level = LOG_LEVELS[Math.min(...wanted)];
    if (level === undefined || level === this.#childLevel) return;
    this.#childLevel = level;
    await this.channel().call("logging/setLevel", { level }, SETTING_TIMEOUT_MS);
  }

  #unavailable(): Fault {
    return new Fault("unavailable", `the server is not running: ${this.#options.reason()}`);
  }
}
