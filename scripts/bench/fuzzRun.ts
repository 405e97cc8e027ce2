import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { HttpConnection } from "./httpCaller.ts";
import { fixtureCommand } from "./leakRun.ts";
import { figuresOf, openFiles } from "./processFigures.ts";
import { startPrograms, type Programs } from "./programs.ts";

export interface FuzzFigures {
  readonly bodies: number;
  readonly executes: number;
  readonly raw: number;
  readonly lines: number;
  /** Answers by status over all bodies. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly processesBefore: number;
  readonly processesAfter: number;
  readonly filesBefore: number;
  readonly filesAfter: number;
}

/** Which share of the runs goes where; what is left are raw bytes, which need a connection each. */
const SHARES = { bodies: 0.55, executes: 0.2, lines: 0.22 };
const RAW_WAIT_MS = 30;

const hostileNumber = fc.constantFrom("1e999", "-0", "9007199254740993", "1.5", "00", "NaN");
const hostileText = fc.constantFrom(
  '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}',
  '{"__proto__":{"jsonrpc":"2.0"},"id":1,"method":"ping"}',
  '{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}',
  `${"[".repeat(5000)}${"]".repeat(5000)}`,
  `{"jsonrpc":"2.0","id":1,"method":"${"x".repeat(10_000)}"}`,
  '\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}',
  '{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{"progressToken":{}}}}',
);
const message = fc.record(
  {
    jsonrpc: fc.constantFrom("2.0", "1.0", 2),
    id: fc.oneof(fc.jsonValue(), fc.integer()),
    method: fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("tools/call", "tools/list", "ping", "initialize", "completion/complete"),
    ),
    params: fc.oneof(fc.jsonValue(), fc.record({ name: fc.constant("echo"), arguments: fc.jsonValue() })),
    result: fc.jsonValue(),
    error: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  fc.string(),
  fc.json(),
  hostileText,
  hostileNumber.map((number) => `{"jsonrpc":"2.0","id":${number},"method":"ping"}`),
  message.map((value) => JSON.stringify(value)),
  fc.tuple(message, fc.nat(200)).map(([value, end]) => JSON.stringify(value).slice(0, end)),
);
const headerValue = fc.oneof(
  fc.string(),
  fc.constantFrom("application/json", "*/*", "text/event-stream", "2025-11-25", "x"),
);
const clean = (text: string): string => text.replace(/[^\x21-\x7e]/g, "");
const headers = fc.dictionary(
  fc.constantFrom("mcp-session-id", "accept", "mcp-protocol-version", "last-event-id", "x-odd"),
  headerValue.map(clean),
);

const execution = fc
  .record(
    {
      server: fc.oneof(fc.constant("parrot"), fc.jsonValue()),
      tool: fc.oneof(fc.constant("echo"), fc.jsonValue()),
      command: fc.constantFrom("echo", "say", 7),
      arguments: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue())),
    },
    { requiredKeys: [] },
  )
  .map((value) => JSON.stringify(value));

/** Is it a message that a server has to answer with 200? Its answer may still be a protocol error of the server. */
function isRequest(text: string): boolean {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    return value !== null && !Array.isArray(value) && value["jsonrpc"] === "2.0" && typeof value["method"] === "string";
  } catch {
    return false;
  }
}

/** Throws when an answer is a success for what was none, or is no answer at all. */
function check(sent: string, status: number, text: string): void {
  if (status < 200 || status > 599) throw new Error(`status ${status} for ${sent}`);
  if (status !== 200) return;
  if (!isRequest(sent)) throw new Error(`200 for what is no request: ${sent} → ${text}`);
  const data = /^data: (\{.*)$/m.exec(text)?.[1] ?? text;
  const answer = JSON.parse(data) as Record<string, unknown>;
  if (answer["result"] === undefined && answer["error"] === undefined)
    throw new Error(`an empty 200 for ${sent}: ${text}`);
  const error = answer["error"] as { data?: { fault?: string } } | undefined;
  if (error?.data?.fault !== undefined) throw new Error(`200 for our own fault ${error.data.fault}: ${sent}`);
}

const runsOf = (numRuns: number, seed: number | undefined): fc.Parameters<unknown> => ({
  numRuns,
  ...(seed !== undefined && { seed }),
});

/** Hostile bodies, headers, bytes and lines against a gateway and its supervisor. Rejects with the first that got through. */
export async function runFuzz(runs: number, seed?: number): Promise<FuzzFigures> {
  const tuning = {
    restartFailures: 1000,
    restartWindowSeconds: 0.05,
    spawnsPer10Seconds: 10_000,
    spawnsPerMinute: 10_000,
  };
  const programs = await startPrograms([
    { name: "parrot", command: fixtureCommand("parrot"), callTimeoutSeconds: 5, tuning },
  ]);
  try {
    const pids = [programs.supervisorProcess("parrot").pid ?? 0, programs.gatewayProcess.pid ?? 0];
    const files = (): number => pids.reduce((sum, pid) => sum + openFiles(pid), 0);
    const processes = (): number => pids.reduce((sum, pid) => sum + figuresOf(pid).processes, 0);
    const counts = {
      bodies: Math.round(runs * SHARES.bodies),
      executes: Math.round(runs * SHARES.executes),
      lines: Math.round(runs * SHARES.lines),
      raw: 0,
    };
    counts.raw = runs - counts.bodies - counts.executes - counts.lines;
    const fuzz = new Fuzz(programs);
    await fuzz.stillWorks();
    const [filesBefore, processesBefore] = [files(), processes()];
    await fc.assert(
      fc.asyncProperty(body, headers, (text, extra) => fuzz.post(text, extra)),
      runsOf(counts.bodies, seed),
    );
    await fuzz.stillWorks();
    await fc.assert(
      fc.asyncProperty(fc.oneof(body, execution), (text) => fuzz.execute(text)),
      runsOf(counts.executes, seed),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(body, fc.string()), { maxLength: 5 }), (lines) => fuzz.say(lines)),
      runsOf(counts.lines, seed),
    );
    await fuzz.stillWorks();
    const bytes = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all).toString("latin1")),
    );
    await fc.assert(
      fc.asyncProperty(bytes, headers, (text, extra) => fuzz.raw(text, extra)),
      runsOf(counts.raw, seed),
    );
    await fuzz.stillWorks();
    fuzz.close();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return {
      ...counts,
      statuses: fuzz.statuses,
      processesBefore,
      processesAfter: processes(),
      filesBefore,
      filesAfter: files(),
    };
  } finally {
    await programs.stop();
  }
}

class Fuzz {
  readonly statuses: Record<string, number> = {};
  readonly #programs: Programs;
  readonly #connection: HttpConnection;
  readonly #common: string;
  #session = "";

  constructor(programs: Programs) {
    this.#programs = programs;
    this.#connection = new HttpConnection(new URL(programs.gateway));
    this.#common = `authorization: Bearer ${programs.token}\r\ncontent-type: application/json\r\n`;
  }

  close(): void {
    this.#connection.close();
  }

  /** A new session and a right answer: nothing that came before has broken anything. */
  async stillWorks(): Promise<void> {
    const accept = "accept: application/json, text/event-stream\r\n";
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "fuzz", version: "1" } };
    const opened = await this.#send(accept, JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params }));
    this.#session = opened.headers.get("mcp-session-id") ?? "";
    await this.say([]);
  }

  async post(text: string, extra: Readonly<Record<string, string>>): Promise<void> {
    const all = { accept: "application/json, text/event-stream", "mcp-session-id": this.#session, ...extra };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const { status, text: answer } = await this.#send(lines.join(""), text);
    this.#count(status);
    check(text, status, answer);
  }

  async execute(text: string): Promise<void> {
    const { status, text: answer } = await this.#connection.post("/execute", this.#common, text);
    this.#count(status);
    if (status !== 200) return;
    const { server, tool, command } = JSON.parse(text) as Record<string, unknown>;
    const known = server === "parrot" && ["echo", "say"].includes(String(tool ?? command));
    if (!known || !answer.includes('"content"')) throw new Error(`200 for ${text}: ${answer}`);
  }

  /** The server prints these lines before its own answer, which must still arrive unchanged. */
  async say(lines: readonly string[]): Promise<void> {
    // an answer under the very id of a running call is the server's own to give
    const printed = lines.filter((line) => !/"id"\s*:\s*\d/.test(line));
    const call = {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "say", arguments: { lines: printed } },
    };
    const head = `accept: application/json\r\nmcp-session-id: ${this.#session}\r\n`;
    const { status, text } = await this.#send(head, JSON.stringify(call));
    if (status !== 200 || !text.includes(`said ${printed.length}`))
      throw new Error(`${status} ${text} after the lines ${JSON.stringify(printed)}`);
  }

  /** Bytes that may be no HTTP at all, to both programs; whatever comes back must be no success. */
  async raw(text: string, extra: Readonly<Record<string, string>>): Promise<void> {
    const base = Math.random() < 0.5 ? this.#programs.gateway : this.#programs.supervisor("parrot");
    const lines = Object.entries(extra).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect(Number(new URL(base).port), "127.0.0.1");
    let answer = "";
    socket.on("error", () => undefined).on("data", (piece: Buffer) => (answer += piece.toString("latin1")));
    await once(socket, "connect");
    const head = text.startsWith("{") ? "POST /mcp HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n" : "";
    socket.write(`${head}${lines.join("")}\r\n${text}`, "latin1");
    const timer = setTimeout(() => socket.destroy(), RAW_WAIT_MS);
    await once(socket, "close");
    clearTimeout(timer);
    if (/^HTTP\/1\.1 2/.test(answer)) throw new Error(`a success for the bytes ${JSON.stringify(text)}: ${answer}`);
  }

  #send(head: string, text: string) {
    return this.#connection.post("/servers/parrot/mcp", this.#common + head, text);
  }

  #count(status: number): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
  }
}
