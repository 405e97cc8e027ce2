import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  contractOf,
  EVERYTHING,
  fixture,
  isAlive,
  RawClient,
  startSupervisor,
  stateIs,
  textOf,
  medianMs,
  until,
  type RunningSupervisor,
} from "../support.ts";

describe("supervisor with a shared child", () => {
  let running: RunningSupervisor;
  let client: RawClient;

  before(async () => {
    running = await startSupervisor(contractOf(fixture("good")));
    await stateIs(running, "healthy");
  });
  beforeEach(async () => {
    await stateIs(running, "healthy");
    client = new RawClient(`${running.url}/mcp`);
    await client.open();
  });
  after(() => running.stop());

  it("R-GW-16 answers initialize with the child's own answer and a session", async () => {
    const answer = await new RawClient(`${running.url}/mcp`).open();
    equal(answer.status, 200);
    match(answer.headers.get("mcp-session-id") ?? "", /^[\w-]{32}$/);
    deepEqual(answer.json["result"], {
      protocolVersion: "2025-11-25",
      capabilities: { tools: {} },
      serverInfo: { name: "fixture", version: "1" },
    });
  });

  it("negotiates the older revisions and offers the latest for unknown ones", async () => {
    for (const [asked, given] of [
      ["2025-06-18", "2025-06-18"],
      ["2025-03-26", "2025-03-26"],
      ["1999-01-01", "2025-11-25"],
    ]) {
      const params = { protocolVersion: asked, capabilities: {}, clientInfo: { name: "x", version: "1" } };
      const answer = await new RawClient(`${running.url}/mcp`).request("initialize", params);
      equal((answer.json["result"] as { protocolVersion: string }).protocolVersion, given);
    }
  });

  it("A-20 R-PRC-01 100 concurrent calls of 10 sessions reach one process and get their own answers", async () => {
    const clients = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const one = new RawClient(`${running.url}/mcp`);
        await one.open();
        return one;
      }),
    );
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => clients[index % 10]?.call("echo", { message: `m${index}` })),
    );
    deepEqual(
      answers.map((answer) => answer && textOf(answer)),
      Array.from({ length: 100 }, (_, index) => `Echo: m${index}`),
    );
    const { children, restarts } = running.supervisor.readiness();
    deepEqual([children, restarts], [1, 0]);
  });

  it("R-TRN-10 progress comes on the stream of its own request", async () => {
    const answer = await client.request("tools/call", {
      name: "progress",
      arguments: {},
      _meta: { progressToken: "mine" },
    });
    equal(answer.headers.get("content-type"), "text/event-stream");
    match(answer.text, /"progressToken":"mine"[^]*after progress/);
  });

  it("R-TRN-10 refuses by name what a shared child asks of a client", async () => {
    const answer = await client.call("sample");
    equal(textOf(answer), 'client said: "an error"');
  });

  it("R-TRN-05 a call without an answer is 504 at its deadline", async () => {
    const answer = await client.call("hang");
    equal(answer.status, 504);
    deepEqual(answer.json["error"], {
      code: -32001,
      message: "tools/call was not answered within 2 s",
      data: { fault: "timeout" },
    });
  });

  it("R-TRN-07 R-PRC-14 the child's death fails calls at once with 502, and a new child comes", async () => {
    const before = running.supervisor.readiness().restarts;
    const hanging = client.call("hang");
    const answer = await client.call("die");
    equal(answer.status, 502);
    match(JSON.stringify(answer.json), /the server process ended: exit 3/);
    equal((await hanging).status, 502);
    const refused = await client.call("echo", { message: "x" });
    ok(refused.status === 503 || refused.status === 200);
    if (refused.status === 503) equal(refused.headers.get("retry-after"), "2");
    await stateIs(running, "healthy");
    equal(running.supervisor.readiness().restarts, before + 1);
    equal(textOf(await client.call("echo", { message: "again" })), "Echo: again");
  });

  it("R-TRN-06 malformed requests have their status and JSON-RPC code", async () => {
    const cases: [unknown, Record<string, string>, number, number][] = [
      ["{", {}, 400, -32700],
      [[{ jsonrpc: "2.0", id: 1, method: "ping" }], {}, 400, -32600],
      [{ id: 1, method: "ping" }, {}, 400, -32600],
      [{ jsonrpc: "2.0", id: 1, method: "ping" }, { "mcp-session-id": "unknown" }, 404, -32602],
      [{ jsonrpc: "2.0", id: 1, method: "ping" }, { "mcp-protocol-version": "1999-01-01" }, 400, -32022],
      [{ jsonrpc: "2.0", id: 1, method: "ping" }, { accept: "text/html" }, 406, -32600],
      [{ jsonrpc: "2.0", id: 1, method: "ping" }, { "content-type": "text/plain" }, 415, -32600],
      [{ jsonrpc: "2.0", id: 1, method: "ping" }, { origin: "https://evil.example" }, 403, 0],
    ];
    for (const [body, headers, status, code] of cases) {
      const answer = await client.post(body, headers);
      equal(answer.status, status, JSON.stringify([body, headers]));
      if (code !== 0) equal((answer.json["error"] as { code: number }).code, code);
    }
    equal((await new RawClient(`${running.url}/mcp`).request("ping")).status, 400);
  });

  it("R-TRN-09 a body beyond the bound is 413", async () => {
    const answer = await client.post(`"${"x".repeat(9 << 20)}"`).catch((error: unknown) => error);
    ok(answer instanceof Error || (answer as { status: number }).status === 413);
    equal((await client.request("ping")).status, 200);
  });

  it("ping is answered, DELETE ends the session, GET wants a stream", async () => {
    deepEqual((await client.request("ping")).json["result"], {});
    const headers = { "mcp-session-id": client.session ?? "" };
    equal((await fetch(`${running.url}/mcp`, { headers })).status, 406);
    equal((await fetch(`${running.url}/mcp`, { method: "DELETE", headers })).status, 200);
    equal((await client.request("ping")).status, 404);
    equal((await fetch(`${running.url}/mcp`, { method: "PUT" })).status, 405);
  });

  it("R-HLT-04 /health answers in under 50 ms while calls hang", async () => {
    const hanging = Promise.all(Array.from({ length: 50 }, () => client.call("hang")));
    const health = async (): Promise<void> => {
      const answer = (await (await fetch(`${running.url}/health`)).json()) as Record<string, unknown>;
      equal(answer["status"], "alive");
    };
    const milliseconds = await medianMs(health);
    ok(milliseconds < 50, `${milliseconds} ms`);
    await hanging;
  });

  it("R-LIM-06 /limits has declared, actual and the gaps; /metrics has the server's name", async () => {
    const limits = (await (await fetch(`${running.url}/limits`)).json()) as Record<string, unknown>;
    deepEqual(Object.keys(limits).sort(), ["actual", "declared", "gaps", "usage"]);
    const metrics = await (await fetch(`${running.url}/metrics`)).text();
    match(metrics, /^mcp_requests_total\{method="tools\/call",outcome="ok",server="fixture"\} \d+$/m);
    match(metrics, /^mcp_server_state\{state="healthy",server="fixture"\} 1$/m);
    equal((await fetch(`${running.url}/nowhere`)).status, 404);
  });
});

describe("supervisor and bad children", () => {
  const started: RunningSupervisor[] = [];
  const start = async (...args: Parameters<typeof startSupervisor>): Promise<RunningSupervisor> => {
    const running = await startSupervisor(...args);
    started.push(running);
    return running;
  };
  afterEach(async () => {
    await Promise.all(started.splice(0).map((running) => running.stop()));
  });
  const health = { intervalSeconds: 0.1, timeoutSeconds: 0.2, failures: 2 };

  it("R-HLT-01 the real server-everything turns healthy with its proof call", async () => {
    const proof = { tool: "echo", arguments: { message: "hi" }, expectText: "Echo: hi" };
    const running = await start(contractOf(EVERYTHING, { proof }));
    await stateIs(running, "healthy");
    const { tools, serverInfo } = running.supervisor.readiness();
    equal(tools.length, 13);
    deepEqual(serverInfo, { name: "mcp-servers/everything", title: "Everything Reference Server", version: "2.0.0" });
  });

  it("R-HLT-05 A-01 a mute server is unhealthy, and ends in a crash loop", async () => {
    const running = await start(contractOf(fixture("mute"), { health }));
    equal(running.supervisor.readiness().state, "starting");
    await stateIs(running, "unhealthy");
    match(running.supervisor.readiness().reason ?? "", /initialize was not answered/);
    equal((await fetch(`${running.url}/ready`)).status, 503);
    await stateIs(running, "crash-loop", 9000);
    equal((await new RawClient(`${running.url}/mcp`).open()).status, 503);
  }).timeout(15_000);

  it("A-01 a server that holds its port and answers 200, but no MCP, is unhealthy", async () => {
    const running = await start(contractOf(fixture("lying"), { health }));
    await stateIs(running, "unhealthy");
    equal((await fetch(`${running.url}/ready`)).status, 503);
    equal((await fetch(`${running.url}/health`)).status, 200);
  });

  it("A-09 A-08 exit 0 is a failure, and stops after the bound with a small log", async () => {
    const running = await start(contractOf(fixture("exitsZero"), { health }));
    await stateIs(running, "crash-loop", 9000);
    match(
      running.supervisor.readiness().reason ?? "",
      /5 failures.*the server ended: exit 0 before it had answered anything: a fault of its configuration/,
    );
    equal(running.supervisor.keeper.spawns, 5);
    ok(running.lines.length < 30);
  }).timeout(15_000);

  it("a crash loop is left by itself", async () => {
    const running = await start(
      contractOf(fixture("crashes"), {
        health,
        tuning: { coolDownSeconds: 0.2, restartFailures: 2, spawnsPer10Seconds: 50 },
      }),
    );
    await stateIs(running, "crash-loop");
    const { spawns } = running.supervisor.keeper;
    await until(() => running.supervisor.keeper.spawns > spawns);
  });

  it("R-PRC-15 a crash leaves its last lines as evidence", async () => {
    const running = await start(contractOf(fixture("crashes")));
    const evidence = await until(() => running.lines.find((line) => line["event"] === "child-evidence"));
    deepEqual(evidence["lastLines"], ["missing configuration"]);
    match(
      String(evidence["reason"]),
      /^the server ended: exit 7 before it had answered anything: a fault of its config/,
    );
  });

  it("R-TRN-04 junk on stdout breaks nothing", async () => {
    const running = await start(contractOf(fixture("junk")));
    await stateIs(running, "healthy");
    const client = new RawClient(`${running.url}/mcp`);
    await client.open();
    equal(textOf(await client.call("echo", { message: "x" })), "Echo: x");
    match(running.logText(), /Server running on stdio/);
  });

  it("R-HLT-05 an empty tool list is never healthy", async () => {
    const running = await start(contractOf(fixture("emptyList"), { health }));
    await stateIs(running, "unhealthy");
    match(running.logText(), /the tool list is empty/);
    ok(!running.lines.some((line) => line["to"] === "healthy"));
  });

  it("a wrong proof answer is unhealthy", async () => {
    const proof = { tool: "echo", arguments: { message: "a" }, expectText: "Echo: b" };
    const running = await start(contractOf(fixture("good"), { health, proof }));
    await stateIs(running, "unhealthy");
    match(running.logText(), /did not answer \\"Echo: b\\"/);
  });

  it("a slow server is degraded, not down", async () => {
    const running = await start(
      contractOf(fixture("slow"), { health: { ...health, timeoutSeconds: 0.8 }, env: { SLOW_MS: "500" } }),
    );
    await stateIs(running, "degraded");
    equal((await fetch(`${running.url}/ready`)).status, 200);
    equal(running.supervisor.readiness().restarts, 0);
  });

  it("R-PRC-02 the child gets exactly the declared environment, secrets from files, and none of them reaches the log", async () => {
    const secretsDir = mkdtempSync(join(tmpdir(), "secrets-"));
    writeFileSync(join(secretsDir, "key"), "canary-4711\n");
    const running = await start(contractOf(fixture("good"), { env: { A: "1" }, secretEnv: { API_KEY: "key" } }), {
      secretsDir,
    });
    await stateIs(running, "healthy");
    const client = new RawClient(`${running.url}/mcp`);
    await client.open();
    const environment = JSON.parse(textOf(await client.call("environment")) ?? "{}") as object;
    deepEqual(environment, { A: "1", API_KEY: "canary-4711" });
    await client.call("printSecret");
    await until(() => running.logText().includes("the key is [secret]"));
    ok(!running.logText().includes("canary"));
  });

  it("R-HLT-09 a missing secret is a named configuration fault", async () => {
    const running = await start(contractOf(fixture("good"), { secretEnv: { API_KEY: "key" } }));
    await stateIs(running, "unhealthy");
    equal(
      running.supervisor.readiness().reason,
      "secretEnv.API_KEY: the secret file /nonexistent/key cannot be read (ENOENT)",
    );
  });

  it("R-PRC-03 without a kernel pids limit the child is not started, and says so everywhere", async () => {
    const running = await start(contractOf(fixture("good")), { allowUnlimited: false });
    const { refusal } = running.supervisor.limits();
    if (refusal === undefined) return;
    equal(running.supervisor.keeper.spawns, 0);
    const ready = (await (await fetch(`${running.url}/ready`)).json()) as Record<string, unknown>;
    deepEqual([ready["state"], ready["reason"]], ["unhealthy", refusal]);
    equal(((await (await fetch(`${running.url}/limits`)).json()) as Record<string, unknown>)["refusal"], refusal);
    ok(running.lines.some((line) => line["event"] === "child-refused" && line["reason"] === refusal));
  });

  it("R-TRN-08 a child that ignores TERM is killed after the grace period", async () => {
    const running = await start(contractOf(fixture("ignoresTerm")));
    await stateIs(running, "healthy");
    const pid = running.supervisor.keeper.child?.pid ?? 0;
    await running.stop();
    equal(isAlive(pid), false);
  });

  it("R-PRC-02 the child's own children end with it", async () => {
    const running = await start(contractOf(fixture("forks"), { env: { FORKS: "3" } }));
    await stateIs(running, "healthy");
    const { allProcesses } = await import("../../../runtime/supervisor/processGroup.ts");
    const group = running.supervisor.keeper.child?.pid;
    ok(group !== undefined);
    const members = (): number => allProcesses().filter((stat) => stat.group === group && stat.state !== "Z").length;
    await until(() => members() >= 7);
    process.kill(group, "SIGKILL");
    await until(() => running.supervisor.readiness().restarts === 1 && running.supervisor.keeper.process !== undefined);
    equal(members(), 0);
  });

  it("SIGKILL to healthy takes under 3 s", async () => {
    const running = await start(contractOf(EVERYTHING));
    await stateIs(running, "healthy");
    const began = Date.now();
    const pid = running.supervisor.keeper.child?.pid;
    ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await until(() => running.supervisor.readiness().restarts === 1);
    await stateIs(running, "healthy");
    ok(Date.now() - began < 3000);
  });

  it("a changed contract restarts the child once, changed limits do not", async () => {
    const contract = contractOf(fixture("good"));
    const running = await start(contract);
    await stateIs(running, "healthy");
    const { pid } = running.supervisor.keeper.child ?? {};
    await running.supervisor.reload({
      ...contract,
      limits: { ...contract.limits, memoryMiB: 512 },
      callTimeoutSeconds: 9,
    });
    equal(running.supervisor.keeper.child?.pid, pid);
    equal(running.supervisor.limits().declared.memoryMiB, 512);
    await running.supervisor.reload({ ...contract, env: { NEW: "1" } });
    await until(() => running.supervisor.keeper.child !== undefined && running.supervisor.keeper.child.pid !== pid);
    await stateIs(running, "healthy");
    equal(running.supervisor.readiness().restarts, 1);
  });

  it("R-PRC-19 a quarantined server has no child, and comes back when wanted", async () => {
    const contract = contractOf(fixture("good"));
    const running = await start(contract);
    await stateIs(running, "healthy");
    const pid = running.supervisor.keeper.child?.pid ?? 0;
    await running.supervisor.reload({ ...contract, desiredState: "quarantined" });
    equal(running.supervisor.readiness().state, "quarantined");
    equal(isAlive(pid), false);
    await running.supervisor.reload(contract);
    await stateIs(running, "healthy");
  });
});
