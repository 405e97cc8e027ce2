import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { authOf, serverOf, startGateway, type RunningGateway } from "../gatewaySupport.ts";
import {
  contractOf,
  FAST,
  fixture,
  startSupervisor,
  textOf,
  until,
  type RawAnswer,
  type RunningSupervisor,
} from "../support.ts";

const TWO = 2;

describe("R-GW-09 R-GW-10 several instances of a server", () => {
  let instances: RunningSupervisor[];
  let isolated: RunningSupervisor[];
  let running: RunningGateway;
  const more: RunningSupervisor[] = [];

  const start = (overrides: object = {}): Promise<RunningSupervisor> =>
    startSupervisor(contractOf(fixture("good"), { tuning: { ...FAST, drainSeconds: 3 }, ...overrides }));
  const several = (count: number, overrides: object = {}): Promise<RunningSupervisor[]> =>
    Promise.all(Array.from({ length: count }, () => start(overrides)));
  const contractFor = (urls: readonly string[]) => [
    serverOf("many", urls, { repeatableTools: ["record"] }),
    serverOf(
      "own",
      isolated.map(({ url }) => url),
      { sharing: "isolated" },
    ),
  ];
  const pidOf = (instance: RunningSupervisor | undefined): string => String(instance?.supervisor.keeper.child?.pid);
  const record = (ms: number): Promise<RawAnswer> => running.execute("many", "record", { ms });
  const inFlight = (): number[] => instances.map(({ supervisor }) => supervisor.keeper.child?.channel.inFlight ?? 0);

  beforeEach(async () => {
    instances = await several(TWO);
    isolated = await several(TWO, { sharing: "isolated", maxChildren: 8 });
    running = await startGateway(contractFor(instances.map(({ url }) => url)));
    await running.allHealthy();
  });
  afterEach(async () => {
    await running.stop();
    await Promise.all([...instances, ...isolated, ...more.splice(0)].map((one) => one.stop()));
  });

  /** Keeps calling until the returned function is awaited: the statuses of all answers. */
  function load(callers: number): () => Promise<number[]> {
    const statuses: number[] = [];
    let over = false;
    const workers = Array.from({ length: callers }, async () => {
      while (!over) statuses.push((await running.execute("many", "count")).status);
    });
    return async () => {
      over = true;
      await Promise.all(workers);
      return statuses;
    };
  }

  it("share the calls: each new one goes to the instance with the fewest", async () => {
    const calls = Array.from({ length: 6 }, () => record(400));
    await until(() => inFlight().reduce((sum, count) => sum + count, 0) >= 6);
    deepEqual(inFlight(), [3, 3]);
    const pids = (await Promise.all(calls)).map(textOf);
    deepEqual(new Set(pids), new Set(instances.map(pidOf)));
  });

  it("calls that a session has brought to one count: the next ones go to the other", async () => {
    const clients = await Promise.all([1, 2].map(() => running.connect("/servers/many/mcp")));
    const pinned = clients.find(({ session }) => session?.startsWith("many.") === true);
    ok(pinned);
    const held = Array.from({ length: 4 }, () => pinned.call("record", { ms: 600 }));
    await until(() => inFlight()[0] === 4);
    const next = Array.from({ length: 4 }, () => record(300));
    await until(() => inFlight().reduce((sum, count) => sum + count, 0) >= 8);
    deepEqual(inFlight(), [4, 4]);
    deepEqual(new Set((await Promise.all(next)).map(textOf)), new Set([pidOf(instances[1])]));
    await Promise.all(held);
  });

  it("R-GW-10: a tool that asks for a GPU goes to the instance that has one, others to any; without it to the one that is left", async () => {
    const many = serverOf(
      "many",
      instances.map(({ url }) => url),
      { gpuTools: ["record"] },
    );
    const declared = many.instances.map((one, index) => ({ ...one, gpu: index === 1 }));
    const preferring = await startGateway([{ ...many, instances: declared }]);
    more.push({ stop: () => preferring.stop() } as RunningSupervisor);
    await preferring.allHealthy();
    const pids = async () =>
      new Set(
        (await Promise.all(Array.from({ length: 6 }, () => preferring.execute("many", "record", { ms: 20 })))).map(
          textOf,
        ),
      );
    deepEqual(await pids(), new Set([pidOf(instances[1])]));
    await Promise.all(Array.from({ length: 6 }, () => preferring.execute("many", "count")));
    const metrics = await (await fetch(`${preferring.url}/metrics`, { headers: authOf("owner") })).text();
    match(metrics, /mcp_gateway_instance_gpu\{server="many",instance_name="many"\} 0/);
    match(metrics, /mcp_gateway_instance_gpu\{server="many",instance_name="many--2"\} 1/);
    await instances[1]?.supervisor.reload({ ...contractOf(fixture("good")), desiredState: "quarantined" });
    await until(() => preferring.gateway.server("many")?.state.state === "degraded");
    deepEqual(await pids(), new Set([pidOf(instances[0])]));
  });

  it("a sick one gets no calls and shows by name; the server is degraded, not down", async () => {
    await instances[1]?.supervisor.reload({ ...contractOf(fixture("good")), desiredState: "quarantined" });
    await until(() => running.gateway.server("many")?.state.state === "degraded");
    const pids = await Promise.all(Array.from({ length: 10 }, () => record(10)));
    deepEqual(new Set(pids.map(textOf)), new Set([pidOf(instances[0])]));
    const listed = (await (await fetch(`${running.url}/servers`, { headers: authOf("owner") })).json()) as {
      servers: { name: string; state: string; reason: string; instances: { name: string; state: string }[] }[];
    };
    const many = listed.servers.find(({ name }) => name === "many");
    equal(many?.state, "degraded");
    match(many.reason, /^many--2 is quarantined: the operator wants it quarantined$/);
    deepEqual(
      many.instances.map(({ name, state }) => [name, state]),
      [
        ["many", "healthy"],
        ["many--2", "quarantined"],
      ],
    );
  });

  it("the metrics say which instance is routed to", async () => {
    const metrics = await (await fetch(`${running.url}/metrics`, { headers: authOf("owner") })).text();
    match(metrics, /mcp_gateway_instance_up\{server="many",instance_name="many--2"\} 1/);
  });

  it("an isolated server's caller comes back to the instance that holds its state, through every gateway", async () => {
    const replica = await startGateway(running.contract.servers);
    await replica.allHealthy();
    for (const caller of ["alice", "bob", "owner"] as const) {
      const counts = [];
      for (const gateway of [running, replica, running, replica])
        counts.push(textOf(await gateway.execute("own", "count", {}, caller)));
      deepEqual(counts, ["1", "2", "3", "4"], caller);
    }
    await replica.stop();
  });

  it("when the instance of an isolated server's caller is lost, the caller begins anew on the other", async () => {
    equal(textOf(await running.execute("own", "count", {}, "alice")), "1");
    const holder = isolated.findIndex(({ supervisor }) => supervisor.readiness().children === 2);
    ok(holder >= 0);
    await isolated[holder]?.stop();
    await until(async () => (await running.execute("own", "count", {}, "alice")).status === 200);
    equal(isolated[1 - holder]?.supervisor.readiness().children, 2);
  });

  it("MCP sessions are spread, and stay where they are", async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => running.connect("/servers/own/mcp")));
    deepEqual(
      isolated.map(({ supervisor }) => supervisor.readiness().sessions),
      [2, 2],
    );
    for (const count of ["1", "2", "3"]) for (const client of clients) equal(textOf(await client.call("count")), count);
  });

  it("a session on a lost instance is unknown, so that its client begins anew on another; /mcp goes on by itself", async () => {
    const clients = await Promise.all([1, 2].map(() => running.connect("/servers/many/mcp")));
    const aggregate = await running.connect("/mcp");
    equal((await aggregate.call("own__count")).status, 200);
    const lost = clients.find(({ session }) => session?.startsWith("many--2.") === true);
    ok(lost);
    for (const leaving of [instances[1], isolated[0]]) {
      await leaving?.supervisor.drain("it is being stopped: SIGTERM");
      await leaving?.stop();
    }
    await until(async () => (await lost.call("count")).status === 404);
    await lost.open();
    equal((await lost.call("count")).status, 200);
    await until(async () => (await aggregate.call("own__count")).status === 200);
  });

  it("a repeatable call whose instance is killed goes to another at once", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "instances-")), "runs");
    const call = running.execute("many", "record", { file, ms: 500 });
    await until(() => existsSync(file));
    const first = readFileSync(file, "utf8").trim();
    const others = instances.map(pidOf).filter((pid) => pid !== first);
    equal(others.length, 1);
    process.kill(Number(first), "SIGKILL");
    const answer = await call;
    equal(answer.status, 200);
    deepEqual(readFileSync(file, "utf8").trim().split("\n"), [first, textOf(answer)]);
    ok(others.includes(String(textOf(answer))));
  });

  it("one that is stopped ends what it has begun, and no call is lost", async () => {
    const begun = Array.from({ length: 4 }, () => record(700));
    await until(() => inFlight().every((count) => count === 2));
    const end = load(8);
    await sleep(100);
    const [leaving] = instances;
    await leaving?.supervisor.drain("it is being stopped: SIGTERM");
    await leaving?.stop();
    await sleep(300);
    const statuses = await end();
    ok(statuses.length > 50, String(statuses.length));
    deepEqual(new Set(statuses), new Set([200]));
    deepEqual(
      (await Promise.all(begun)).map(({ status }) => status),
      [200, 200, 200, 200],
    );
  });

  it("a new contract that adds one and removes another loses no call, and those in flight end where they are", async () => {
    const [stays, leaves] = instances;
    const comes = await start();
    more.push(comes);
    const begun = Array.from({ length: 4 }, () => record(700));
    await until(() => inFlight().every((count) => count === 2));
    const end = load(8);
    await sleep(100);
    const url = (instance: RunningSupervisor | undefined): string => instance?.url ?? "";
    running.gateway.reload({ ...running.contract, servers: contractFor([url(stays), url(leaves), url(comes)]) });
    await running.allHealthy();
    await sleep(200);
    // the second goes, the third takes its name, so that two are retired: the second and the third's old name
    running.gateway.reload({ ...running.contract, servers: contractFor([url(stays), url(comes)]) });
    await until(() => running.logText().split('"event":"instance-retired"').length === 3);
    await leaves?.stop();
    await sleep(200);
    const statuses = await end();
    ok(statuses.length > 50, String(statuses.length));
    deepEqual(new Set(statuses), new Set([200]));
    const pids = (await Promise.all(begun)).map(textOf);
    ok(pids.includes(pidOf(stays)));
    equal(new Set(pids).size, 2);
  });

  it("new bounds hold at once and cut nothing off", async () => {
    const begun = Array.from({ length: 6 }, () => record(300));
    await until(() => inFlight().reduce((sum, count) => sum + count, 0) >= 6);
    running.gateway.reload({ ...running.contract, maxConcurrentCalls: 1, maxQueuedCalls: 0 });
    equal((await running.execute("many", "count")).status, 503);
    deepEqual(new Set((await Promise.all(begun)).map(({ status }) => status)), new Set([200]));
    equal((await running.execute("many", "count")).status, 200);
  });
});

describe("right after its start", () => {
  it("a server whose supervisor does not answer yet is starting, never unhealthy", async () => {
    const running = await startGateway([serverOf("late", ["http://127.0.0.1:9"])]);
    await until(() => running.gateway.server("late")?.state.reason?.includes("does not answer yet"));
    await sleep(700);
    equal(running.gateway.server("late")?.state.state, "starting");
    const { status, text } = await running.execute("late", "echo");
    equal(status, 503);
    match(text, /late has no healthy instance: starting, its supervisor does not answer yet/);
    ok(!running.logText().includes("unhealthy"));
    await running.stop();
  });
});
