import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { TestEstate } from "./testEstate.ts";

/** Calls a second, shared by both servers. */
const RATE = 50;
/** Clients that make a call before an update and the next one after it. */
const IDLE_CLIENTS = 20;
const MIB = 1024 * 1024;

interface Outcome {
  server: string;
  milliseconds: number;
  /** "" where all was well. */
  fault: string;
}

describe("R-DEP-02, R-DEP-09: updates under a constant load lose no call", function () {
  this.timeout(600_000);
  const estate = new TestEstate("repl", {
    config: { "mcp-estate:servers": { memory: {}, everything: {} }, "mcp-estate:gate": { timeoutSeconds: 20 } },
  });
  let client: Client;

  before(async () => {
    await estate.create();
    await estate.succeed("up", ["--yes"]);
    client = new Client({ name: "load", version: "1" });
    const headers = { authorization: `Bearer ${await estate.token()}` };
    const url = new URL(`http://127.0.0.1:${estate.port}/mcp`);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  });
  after(async () => {
    await client.close();
    await estate.dispose();
  });

  const calls = [
    { server: "memory", name: "memory__search_nodes", arguments: { query: "nothing" } },
    { server: "everything", name: "everything__echo", arguments: { message: "hello" } },
  ];

  async function call(number: number): Promise<Outcome> {
    const { server, ...request } = calls[number % calls.length] ?? { server: "", name: "" };
    const began = performance.now();
    let fault = "";
    try {
      const result = await client.callTool(request);
      if (result.isError === true) fault = JSON.stringify(result.content);
    } catch (error) {
      fault = (error as Error).message;
    }
    return { server, milliseconds: performance.now() - began, fault };
  }

  /** Calls at a constant rate, whatever becomes of the answers, while `work` goes on and two seconds longer. */
  async function underLoad<T>(work: () => Promise<T>): Promise<{ result: T; outcomes: Outcome[] }> {
    const pending: Promise<Outcome>[] = [];
    const timer = setInterval(() => pending.push(call(pending.length)), 1000 / RATE);
    try {
      const result = await work();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      return { result, outcomes: await Promise.all(pending) };
    } finally {
      clearInterval(timer);
    }
  }

  function report(outcomes: readonly Outcome[]): void {
    for (const { server } of calls) {
      const own = outcomes.filter((outcome) => outcome.server === server);
      const longest = Math.round(Math.max(...own.map(({ milliseconds }) => milliseconds)));
      const lost = own.filter(({ fault }) => fault !== "").length;
      console.log(`      ${server}: ${own.length} calls, ${lost} lost, the longest took ${longest} ms`);
    }
  }

  async function losesNothing(change: () => void): Promise<void> {
    change();
    const { outcomes } = await underLoad(() => estate.succeed("up", ["--yes"]));
    report(outcomes);
    assert.ok(outcomes.length > RATE, `${outcomes.length} calls`);
    assert.deepEqual([...new Set(outcomes.map(({ server, fault }) => (fault ? `${server}: ${fault}` : "")))], [""]);
  }

  const servers = (change: (servers: Record<string, unknown>) => void): void =>
    estate.configure((config) => change(config["mcp-estate:servers"] as Record<string, unknown>));
  const idOf = async (server: string): Promise<string> => (await estate.container(server)).id;

  it("another image: the stateless server runs new beside old, calls to the one with a volume wait", async () => {
    const before = [await idOf("memory"), await idOf("everything")];
    await losesNothing(() => appendFileSync(join(estate.folder, "runtime/supervisor/main.ts"), "// another\n"));
    assert.notEqual(await idOf("memory"), before[0]);
    assert.notEqual(await idOf("everything"), before[1]);
  });

  it("another environment", () =>
    losesNothing(() =>
      servers((all) => {
        all["memory"] = { env: { CHANGED: "yes" } };
        all["everything"] = { env: { CHANGED: "yes" } };
      }),
    ));

  it("another limit", async () => {
    await losesNothing(() =>
      servers((all) => {
        all["memory"] = { limits: { memoryMiB: 300 } };
        all["everything"] = { limits: { memoryMiB: 310 } };
      }),
    );
    assert.equal((await (await estate.container("everything")).inspect()).HostConfig.Memory, 310 * MIB);
  });

  it("the gateway itself, with a server more: whoever calls keeps his connection and his session", async () => {
    const before = { gateway: await idOf("gateway"), edge: await idOf("edge") };
    await losesNothing(() => {
      appendFileSync(join(estate.folder, "runtime/gateway/main.ts"), "// another\n");
      servers((all) => (all["sequential-thinking"] = {}));
    });
    assert.notEqual(await idOf("gateway"), before.gateway);
    assert.equal(await idOf("edge"), before.edge);
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name.startsWith("sequential-thinking__")));
  });

  /** A client with one connection, which it keeps. @returns status and, where it broke off, why. */
  async function quietClient(): Promise<{ call: () => Promise<string>; end: () => void }> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { authorization: `Bearer ${await estate.token()}`, "content-type": "application/json" };
    const body = JSON.stringify({ server: "everything", tool: "echo", arguments: { message: "hello" } });
    const options = { agent, port: estate.port, path: "/execute", method: "POST", headers };
    const call = (): Promise<string> =>
      new Promise((resolve) => {
        const sent = request(options, (response) => {
          response.resume().on("end", () => resolve(String(response.statusCode)));
        });
        sent.on("error", (error) => resolve(error.message)).end(body);
      });
    return { call, end: () => agent.destroy() };
  }

  it("a client that was silent all the while, on a connection from before another gateway came", async () => {
    const clients = await Promise.all(Array.from({ length: IDLE_CLIENTS }, quietClient));
    const each = (): Promise<string[]> => Promise.all(clients.map(({ call }) => call()));
    const all = Array.from(clients, () => "200");
    assert.deepEqual(await each(), all);
    const before = { gateway: await idOf("gateway"), edge: await idOf("edge") };
    appendFileSync(join(estate.folder, "runtime/gateway/main.ts"), "// one more\n");
    await estate.succeed("up", ["--yes"]);
    assert.notEqual(await idOf("gateway"), before.gateway);
    assert.equal(await idOf("edge"), before.edge);
    assert.deepEqual(await each(), all);
    for (const { end } of clients) end();
  });

  /** Declares what cannot work; the update must go back by itself while the load goes on. */
  async function goesBack(declare: (servers: Record<string, unknown>) => void): Promise<Outcome[]> {
    servers(declare);
    const began = Date.now();
    const { result, outcomes } = await underLoad(() => estate.command("up", ["--yes"]));
    const seconds = (Date.now() - began) / 1000;
    report(outcomes);
    assert.notEqual(result.code, 0);
    assert.match(result.output, /runs again/);
    assert.ok(seconds < 120, `${seconds} s`);
    return outcomes;
  }

  it("A-33: a server without a volume that cannot start is never called: the old one takes every call", async () => {
    const limits = { memoryMiB: 310 };
    const outcomes = await goesBack(
      (all) => (all["everything"] = { limits, env: { NODE_OPTIONS: "--require /nowhere" } }),
    );
    assert.deepEqual(
      outcomes.filter(({ fault }) => fault !== ""),
      [],
    );
    servers((all) => (all["everything"] = { limits }));
  });

  it("A-33: a broken server goes back by itself, and the one that did not change loses no call", async () => {
    const outcomes = await goesBack(
      (all) => (all["memory"] = { limits: { memoryMiB: 300 }, env: { MEMORY_FILE_PATH: "/data" } }),
    );
    const others = outcomes.filter(({ server, fault }) => server === "everything" && fault !== "");
    assert.deepEqual(others, []);
    assert.equal((await call(0)).fault, "");
  });
});
