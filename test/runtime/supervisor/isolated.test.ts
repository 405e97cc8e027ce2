import { deepEqual, equal, match } from "node:assert/strict";
import {
  contractOf,
  fixture,
  isAlive,
  RawClient,
  startSupervisor,
  stateIs,
  textOf,
  until,
  type RunningSupervisor,
} from "../support.ts";

describe("sharing: isolated (ContextForge #4205)", () => {
  let running: RunningSupervisor;
  const connect = async (capabilities: object = {}): Promise<RawClient> => {
    const client = new RawClient(`${running.url}/mcp`);
    await client.open(capabilities);
    return client;
  };

  before(async () => {
    running = await startSupervisor(contractOf(fixture("good"), { sharing: "isolated", maxChildren: 2 }));
    await stateIs(running, "healthy");
  });
  afterEach(async () => {
    running.supervisor.sessions.clear();
    await until(() => running.supervisor.readiness().children === 1);
  });
  after(() => running.stop());

  it("two clients never see each other's count", async () => {
    const [first, second] = [await connect(), await connect()];
    deepEqual(
      [textOf(await first.call("count")), textOf(await first.call("count")), textOf(await second.call("count"))],
      ["1", "2", "1"],
    );
  });

  it("two clients of a shared one do", async () => {
    const shared = await startSupervisor(contractOf(fixture("good")));
    await stateIs(shared, "healthy");
    const clients = [new RawClient(`${shared.url}/mcp`), new RawClient(`${shared.url}/mcp`)];
    const counts = [];
    for (const client of clients) {
      await client.open();
      counts.push(textOf(await client.call("count")));
    }
    deepEqual(counts, ["1", "2"]);
    await shared.stop();
  });

  it("the pool is bounded: one child more gets 503 with Retry-After, and a place becomes free again", async () => {
    await connect();
    const second = await connect();
    const refused = await new RawClient(`${running.url}/mcp`).open();
    deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
    await fetch(`${running.url}/mcp`, { method: "DELETE", headers: { "mcp-session-id": second.session ?? "" } });
    await until(async () => (await new RawClient(`${running.url}/mcp`).open()).status === 200);
  });

  it("an idle session loses its child", async () => {
    const client = await connect();
    equal(running.supervisor.readiness().children, 2);
    running.supervisor.sessions.sweep(0, Date.now() + 1);
    await until(() => running.supervisor.readiness().children === 1);
    equal((await client.request("ping")).status, 404);
  });

  it("R-TRN-10 sampling goes to the client that the child belongs to, and its answer back", async () => {
    const client = await connect({ sampling: {} });
    const response = await fetch(`${running.url}/mcp`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-session-id": client.session ?? "",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "sample", arguments: {} } }),
    });
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const id = /"id":"(ask-\d+)"/.exec(text)?.[1];
      if (id !== undefined && !text.includes("client said")) {
        equal((await client.post({ jsonrpc: "2.0", id, result: { role: "assistant" } })).status, 202);
      }
    }
    match(text, /sampling\/createMessage[^]*"id":5[^]*client said: \{\\"role\\":\\"assistant\\"\}/);
  });

  it("a child that ends takes its session with it, and no other", async () => {
    const [first, second] = [await connect(), await connect()];
    equal((await first.call("die")).status, 502);
    await until(async () => (await first.request("ping")).status === 404);
    equal(textOf(await second.call("count")), "1");
  });

  it("stopping leaves no child", async () => {
    const other = await startSupervisor(contractOf(fixture("good"), { sharing: "isolated", maxChildren: 2 }));
    await stateIs(other, "healthy");
    const client = new RawClient(`${other.url}/mcp`);
    await client.open();
    const environment = await client.call("environment");
    equal(environment.status, 200);
    const { allProcesses } = await import("../../../runtime/supervisor/processGroup.ts");
    const own = allProcesses()
      .filter(({ parent }) => parent === process.pid)
      .map(({ pid }) => pid);
    await other.stop();
    const mine = allProcesses()
      .filter(({ parent, state }) => parent === process.pid && state !== "Z")
      .map(({ pid }) => pid);
    equal(own.length - mine.length, 2);
    equal(mine.every(isAlive), true);
  });
});
