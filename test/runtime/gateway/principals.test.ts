import { deepEqual, equal, match, ok } from "node:assert/strict";
import { authOf, serverOf, startGateway, type Caller, type RunningGateway } from "../gatewaySupport.ts";
import { contractOf, fixture, RawClient, startSupervisor, textOf, until, type RunningSupervisor } from "../support.ts";

describe("callers with a name of their own", () => {
  let isolated: RunningSupervisor;
  let shared: RunningSupervisor;
  let running: RunningGateway;
  let replica: RunningGateway;

  before(async () => {
    isolated = await startSupervisor(contractOf(fixture("good"), { sharing: "isolated", maxChildren: 8 }));
    shared = await startSupervisor(contractOf(fixture("good")));
    const servers = [
      serverOf("own", [isolated.url], { sharing: "isolated" }),
      serverOf("common", [shared.url], { repeatableTools: ["echo"] }),
    ];
    running = await startGateway(servers);
    replica = await startGateway(servers);
    await running.allHealthy();
    await replica.allHealthy();
  });
  after(async () => {
    await running.stop();
    await replica.stop();
    await isolated.stop();
    await shared.stop();
  });
  afterEach(async () => {
    isolated.supervisor.sessions.clear();
    await until(() => isolated.supervisor.readiness().children === 1);
  });

  const count = async (server: string, caller: Caller, gateway = running): Promise<string | undefined> =>
    textOf(await gateway.execute(server, "count", {}, caller));

  it("on /execute two clients of an isolated counter never see each other's count, two of a shared one do", async () => {
    const own = [await count("own", "alice"), await count("own", "bob"), await count("own", "alice")];
    deepEqual(own, ["1", "1", "2"]);
    equal(isolated.supervisor.readiness().children, 3);
    const seen = [await count("common", "alice"), await count("common", "bob")].map(Number);
    equal(seen[1], (seen[0] ?? 0) + 1);
  });

  for (const [path, prefix] of [
    ["/mcp", "own__"],
    ["/servers/own/mcp", ""],
  ] as const) {
    it(`on ${path} two clients of an isolated counter never see each other's count`, async () => {
      const [alice, bob] = [await running.connect(path, "alice"), await running.connect(path, "bob")];
      const counts = [];
      for (const client of [alice, bob, alice]) counts.push(textOf(await client.call(`${prefix}count`)));
      deepEqual(counts, ["1", "1", "2"]);
    });
  }

  for (const [path, prefix] of [
    ["/mcp", "common__"],
    ["/servers/common/mcp", ""],
  ] as const) {
    it(`on ${path} two clients of a shared counter see one count`, async () => {
      const [alice, bob] = [await running.connect(path, "alice"), await running.connect(path, "bob")];
      const first = Number(textOf(await alice.call(`${prefix}count`)));
      equal(Number(textOf(await bob.call(`${prefix}count`))), first + 1);
    });
  }

  it("/servers says which is which, and which tools may run twice", async () => {
    const response = await fetch(`${running.url}/servers`, { headers: authOf("alice") });
    const { servers } = (await response.json()) as { servers: Record<string, unknown>[] };
    deepEqual(
      servers.map(({ name, sharing, repeatableTools }) => [name, sharing, repeatableTools]),
      [
        ["own", "isolated", []],
        ["common", "shared", ["echo"]],
      ],
    );
  });

  for (const path of ["/mcp", "/servers/own/mcp", "/servers/common/mcp"]) {
    it(`a session on ${path} is unknown to everybody but its own principal`, async () => {
      const alice = await running.connect(path, "alice");
      const thief = new RawClient(`${running.url}${path}`, authOf("bob"));
      thief.session = alice.session;
      equal((await thief.request("tools/list")).status, 404);
      const headers = { ...authOf("bob"), "mcp-session-id": alice.session ?? "", accept: "text/event-stream" };
      equal((await fetch(`${running.url}${path}`, { headers })).status, 404);
      equal((await fetch(`${running.url}${path}`, { method: "DELETE", headers })).status, 404);
      equal((await alice.request("tools/list")).status, 200);
    });
  }

  it("a client cannot name another principal itself", async () => {
    const client = new RawClient(`${running.url}/servers/own/mcp`, {
      ...authOf("bob"),
      "mcp-estate-principal": "alice",
      "mcp-estate-common": "1",
    });
    equal(await count("own", "alice"), "1");
    await client.open();
    equal(textOf(await client.call("count")), "1");
  });

  it("R-GW-13 two gateways answer alike: same tools, and session-less calls of one principal share its child", async () => {
    const lists = [];
    for (const gateway of [running, replica]) {
      const client = await gateway.connect("/mcp");
      lists.push((await client.request("tools/list")).json["result"]);
    }
    deepEqual(lists[0], lists[1]);
    const counts = [];
    for (const gateway of [running, replica, running, replica]) counts.push(await count("own", "alice", gateway));
    deepEqual(counts, ["1", "2", "3", "4"]);
    equal(isolated.supervisor.readiness().children, 2);
  });

  it("R-GW-13 a session on /servers/NAME/mcp that one gateway opened goes on through the other", async () => {
    const client = await running.connect("/servers/own/mcp", "alice");
    equal(textOf(await client.call("count")), "1");
    const other = new RawClient(`${replica.url}/servers/own/mcp`, authOf("alice"));
    other.session = client.session;
    equal(textOf(await other.call("count")), "2");
  });

  it("R-GW-13 gateways that open a principal's session at the same time share it", async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => count("own", "bob", index % 2 === 0 ? running : replica)),
    );
    deepEqual(answers.map(Number).sort(), [1, 2, 3, 4, 5, 6]);
    equal(isolated.supervisor.readiness().children, 2);
  });

  it("the access log names the principal, never a token", async () => {
    await count("common", "bob");
    await until(() => running.logText().includes('"principal":"bob","server":"common"'));
    ok(!running.logText().includes("token-0123"));
  });

  it("who is taken out of the contract is refused at once, and leaves no child", async () => {
    equal(await count("own", "bob"), "1");
    const { principals: [alice] = [] } = running.contract;
    ok(alice);
    running.gateway.reload({ ...running.contract, principals: [alice] });
    const refused = await running.execute("own", "count", {}, "bob");
    equal(refused.status, 401);
    match(refused.text, /the bearer token is wrong/);
    await until(() => isolated.supervisor.readiness().children === 1);
    running.gateway.reload(running.contract);
    equal(await count("own", "bob"), "1");
  });
});
