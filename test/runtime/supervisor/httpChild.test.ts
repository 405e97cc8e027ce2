import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  contractOf,
  EVERYTHING,
  fixture,
  RawClient,
  startSupervisor,
  stateIs,
  textOf,
  until,
  type RunningSupervisor,
} from "../support.ts";

describe("transport: http", () => {
  let running: RunningSupervisor;
  afterEach(() => running.stop());

  it("the child listens on loopback PORT; same sessions, same answers", async () => {
    running = await startSupervisor(
      contractOf([...EVERYTHING, "streamableHttp"], { transport: "http", callTimeoutSeconds: 5 }),
    );
    await stateIs(running, "healthy", 8000);
    ok(running.supervisor.readiness().tools.includes("echo"));
    const clients = [new RawClient(`${running.url}/mcp`), new RawClient(`${running.url}/mcp`)];
    for (const client of clients) await client.open();
    const answers = await Promise.all(clients.map((client, index) => client.call("echo", { message: `m${index}` })));
    deepEqual(answers.map(textOf), ["Echo: m0", "Echo: m1"]);
    const long = await clients[0]?.request("tools/call", {
      name: "trigger-long-running-operation",
      arguments: { duration: 0.2, steps: 2 },
      _meta: { progressToken: "mine" },
    });
    match(long?.text ?? "", /"progressToken":"mine"[^]*Long running operation completed/);
    equal(running.supervisor.readiness().children, 1);
  }).timeout(20_000);

  it("killed in mid-call, it fails the call as lost with 502, not as an answer of the server", async () => {
    running = await startSupervisor(
      contractOf([...EVERYTHING, "streamableHttp"], { transport: "http", callTimeoutSeconds: 8 }),
    );
    await stateIs(running, "healthy", 8000);
    const client = new RawClient(`${running.url}/mcp`);
    await client.open();
    const call = client.call("trigger-long-running-operation", { duration: 5, steps: 1 });
    await until(() => running.supervisor.keeper.child?.channel.inFlight === 1);
    await sleep(100);
    process.kill(running.supervisor.keeper.child?.pid ?? 0, "SIGKILL");
    const answer = await call;
    deepEqual([answer.status, answer.headers.get("mcp-estate-fault")], [502, "lost"]);
  }).timeout(20_000);

  it("A-01 a child that answers 200 on everything but speaks no MCP is unhealthy", async () => {
    const health = { intervalSeconds: 0.2, timeoutSeconds: 1, failures: 2 };
    running = await startSupervisor(contractOf(fixture("lying"), { transport: "http", health }));
    await stateIs(running, "unhealthy", 8000);
    match(
      running.supervisor.readiness().reason ?? "",
      /the server's HTTP endpoint failed: the field "jsonrpc" must be "2.0"/,
    );
    equal((await fetch(`${running.url}/ready`)).status, 503);
  }).timeout(15_000);
});
