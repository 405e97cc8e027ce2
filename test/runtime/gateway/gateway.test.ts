import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { GatewayContract, GatewayServer } from "../../../runtime/contract/index.ts";
import { Gateway } from "../../../runtime/gateway/gateway.ts";
import { createGatewayServer } from "../../../runtime/gateway/httpServer.ts";
import { TOKENS_FILE, writeTokens } from "../gatewaySupport.ts";
import {
  contractOf,
  EVERYTHING,
  fixture,
  LIMITS,
  listen,
  memoryLog,
  RawClient,
  startSupervisor,
  stateIs,
  textOf,
  medianMs,
  until,
  type RunningSupervisor,
} from "../support.ts";

const TOKEN = "canary-token-0123456789";
const AUTH = { authorization: `Bearer ${TOKEN}` };

describe("gateway", () => {
  const running = new Map<string, RunningSupervisor>();
  const { log, text: logText } = memoryLog();
  const secretsDir = mkdtempSync(join(tmpdir(), "gateway-"));
  let contract: GatewayContract;
  let gateway: Gateway;
  let server: Server;
  let liar: Server;
  let url: string;

  before(async () => {
    writeTokens(secretsDir, { owner: TOKEN });
    running.set("everything", await startSupervisor(contractOf(EVERYTHING, { name: "everything" })));
    running.set("good", await startSupervisor(contractOf(fixture("good"), { name: "good" })));
    running.set(
      "own",
      await startSupervisor(contractOf(fixture("good"), { name: "own", sharing: "isolated", maxChildren: 8 })),
    );
    running.set("victim", await startSupervisor(contractOf(fixture("good"), { name: "victim" })));
    liar = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "application/json" }).end('{"status":"healthy"}');
    });
    const upstream = (name: string, address: string): GatewayServer => ({
      name,
      instances: [{ name, url: address }],
      transport: "stdio",
      serverVersion: "1.2.3",
      sharing: name === "own" ? "isolated" : "shared",
    });
    contract = {
      version: 1,
      estate: "test",
      stack: "dev",
      limits: LIMITS,
      servers: [...running]
        .map(([name, { url: address }]) => upstream(name, address))
        .concat(upstream("liar", await listen(liar))),
      tokensFile: TOKENS_FILE,
      callTimeoutSeconds: 1,
      healthIntervalSeconds: 0.2,
    };
    gateway = new Gateway({ contract, secretsDir, log });
    server = createGatewayServer(gateway);
    url = await listen(server);
    gateway.start();
    for (const one of running.values()) await stateIs(one, "healthy");
    await until(() => gateway.counts()["healthy"] === 4);
  });

  after(async () => {
    server.close();
    server.closeAllConnections();
    liar.close();
    liar.closeAllConnections();
    await gateway.stop();
    await Promise.all([...running.values()].map((one) => one.stop()));
  });

  const get = async (path: string, headers: Record<string, string> = AUTH) => {
    const response = await fetch(`${url}${path}`, { headers });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  const execute = async (body: unknown, path = "/execute") => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: AUTH,
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  const stateOf = async (name: string): Promise<string | undefined> => {
    const { servers } = (await get("/servers")).body as { servers: { name: string; state: string }[] };
    return servers.find((one) => one.name === name)?.state;
  };

  it("R-GW-07 /servers lists every declared server with state, transport, version and tools", async () => {
    const { servers } = (await get("/servers")).body as { servers: Record<string, unknown>[] };
    deepEqual(
      servers.map(({ name }) => name),
      ["everything", "good", "own", "victim", "liar"],
    );
    const everything = servers[0];
    deepEqual(
      [everything?.["state"], everything?.["transport"], everything?.["version"]],
      ["healthy", "stdio", "1.2.3"],
    );
    equal((everything?.["tools"] as string[]).length, 13);
  });

  it("A-01 R-HLT-05 a server that answers 200 but no MCP is unhealthy and gets no call", async () => {
    await until(async () => (await stateOf("liar")) === "unhealthy");
    const { status, headers, body } = await execute({ server: "liar", tool: "echo" });
    deepEqual([status, headers.get("retry-after")], [503, "2"]);
    match(String(body["error"]), /^liar has no healthy instance: unhealthy/);
  });

  it("R-GW-08 /status counts from probes", async () => {
    await until(async () => (await stateOf("liar")) === "unhealthy");
    const { body } = await get("/status");
    deepEqual([body["declared"], body["running"], body["healthy"], body["quarantined"]], [5, 4, 4, 0]);
    deepEqual((body["servers"] as Record<string, string>)["everything"], "healthy");
  });

  it("R-GW-03 A-14 the three paths also stand under /api/v1/mcp", async () => {
    equal((await get("/api/v1/mcp/servers")).status, 200);
    equal((await get("/api/v1/mcp/status")).status, 200);
    equal(
      (await execute({ server: "good", tool: "echo", arguments: { message: "x" } }, "/api/v1/mcp/execute")).status,
      200,
    );
  });

  it("R-GW-02 /execute answers the MCP result, also for command", async () => {
    deepEqual((await execute({ server: "everything", tool: "echo", arguments: { message: "hi" } })).body, {
      content: [{ type: "text", text: "Echo: hi" }],
    });
    deepEqual((await execute({ server: "own", command: "echo", arguments: { message: "hi" } })).status, 200);
  });

  it("R-GW-06 every fault has its status, names what is wrong and what is known", async () => {
    const cases: [unknown, number, RegExp][] = [
      [{ server: "nobody", tool: "x" }, 404, /unknown server "nobody"; known: everything, good, own, victim, liar/],
      [{ server: "good", tool: "nothere" }, 404, /good has no tool "nothere"; known: echo, count/],
      ["{", 400, /not valid JSON/],
      [{ server: "good" }, 400, /^tool: /],
      [{ server: "good", tool: "nothing" }, 502, /good answered without a tool result/],
      [{ server: "good", tool: "hang" }, 504, /good: hang was not answered within 1 s/],
    ];
    for (const [body, status, message] of cases) {
      const answer = await execute(body);
      equal(answer.status, status, JSON.stringify(body));
      match(String(answer.body["error"]), message);
      equal(answer.body["detail"], answer.body["error"]);
    }
  });

  it("R-GW-06 a tool's own error is 502 with the MCP result", async () => {
    const { status, body } = await execute({ server: "good", tool: "fail" });
    deepEqual([status, body], [502, { content: [{ type: "text", text: "it failed" }], isError: true }]);
  });

  it("R-GW-06 413 for a body beyond the bound, 405 for a wrong method, 404 for an unknown path", async () => {
    const large = await execute(" ".repeat((8 << 20) + 1)).catch(() => undefined);
    ok(large === undefined || large.status === 413);
    equal((await get("/execute")).status, 405);
    equal((await fetch(`${url}/servers`, { method: "POST", headers: AUTH })).status, 405);
    equal((await get("/nowhere")).status, 404);
    equal((await get("/servers/nobody/mcp")).status, 404);
  });

  it("R-GW-14 everything but /health needs the token", async () => {
    for (const path of [
      "/servers",
      "/status",
      "/metrics",
      "/mcp",
      "/servers/good/mcp",
      "/api/v1/mcp/status",
      "/nowhere",
    ]) {
      equal((await fetch(`${url}${path}`)).status, 401, path);
    }
    const wrong = await get("/servers", { authorization: "Bearer wrong" });
    deepEqual([wrong.status, wrong.headers.get("www-authenticate")], [401, "Bearer"]);
    const health = await get("/health", {});
    deepEqual([health.status, health.body["status"], health.body["declared"]], [200, "alive", 5]);
  });

  it("refuses foreign web pages (DNS rebinding)", async () => {
    equal((await get("/servers", { ...AUTH, origin: "https://evil.example" })).status, 403);
  });

  it("R-SLO-02 /health answers in under 50 ms while calls hang", async () => {
    const hanging = Promise.all(Array.from({ length: 30 }, () => execute({ server: "good", tool: "hang" })));
    const milliseconds = await medianMs(() => get("/health", {}));
    ok(milliseconds < 50, `${milliseconds} ms`);
    ok((await hanging).every(({ status }) => status === 504));
    // that many deadlines in a row open the circuit; a probe closes it again
    await until(() => gateway.server("good")?.upstreams[0]?.breaker.open === false, 8000);
  });

  for (const [name, connect] of [
    [
      "sdk 1.32.2",
      async (address: string) => {
        const client = new Client({ name: "test", version: "1" });
        await client.connect(new StreamableHTTPClientTransport(new URL(address), { requestInit: { headers: AUTH } }));
        return client;
      },
    ],
    [
      "client 2.4.0",
      async (address: string) => {
        const client = new NewClient({ name: "test", version: "1" });
        await client.connect(new NewTransport(new URL(address), { requestInit: { headers: AUTH } }));
        return client;
      },
    ],
  ] as const) {
    it(`R-GW-16 the official client (${name}) lists all tools on /mcp and calls one`, async () => {
      const client = await connect(`${url}/mcp`);
      const { tools } = await client.listTools();
      deepEqual(
        new Set(tools.map((tool) => tool.name.split("__")[0])),
        new Set(["everything", "good", "own", "victim"]),
      );
      const result = await client.callTool({ name: "everything__echo", arguments: { message: "hi" } });
      deepEqual(result.content, [{ type: "text", text: "Echo: hi" }]);
      const { prompts } = await client.listPrompts();
      ok(prompts.every((prompt) => prompt.name.startsWith("everything__")) && prompts.length > 0);
      const { resources } = await client.listResources();
      const read = await client.readResource({ uri: resources[0]?.uri ?? "" });
      equal(read.contents[0]?.uri, resources[0]?.uri);
      await client.close();
    });

    it(`R-GW-16 the official client (${name}) works with one server under its own names`, async () => {
      const client = await connect(`${url}/servers/everything/mcp`);
      const { tools } = await client.listTools();
      equal(tools.length, 13);
      const seen: number[] = [];
      const options = { onprogress: (progress: { progress: number }) => seen.push(progress.progress) };
      const params = { name: "trigger-long-running-operation", arguments: { duration: 0.3, steps: 3 } };
      // the older client takes a result schema between the two
      const result =
        client instanceof Client
          ? await client.callTool(params, undefined, options)
          : await client.callTool(params, options);
      match(JSON.stringify(result.content), /Long running operation completed/);
      deepEqual(seen, [1, 2, 3]);
      await client.close();
    });
  }

  for (const path of ["/mcp", "/servers/everything/mcp"]) {
    it(`2026-07-28 is refused by name on ${path}, and the official client that prefers it falls back`, async () => {
      const meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
      };
      const raw = new RawClient(`${url}${path}`, { ...AUTH, "mcp-protocol-version": "2026-07-28" });
      const refused = await raw.request("server/discover", { _meta: meta });
      const { error } = refused.json as { error: { code: number; data: Record<string, unknown> } };
      deepEqual([refused.status, error.code, error.data["requested"]], [400, -32022, "2026-07-28"]);
      deepEqual(error.data["supported"], ["2025-11-25", "2025-06-18", "2025-03-26"]);
      const client = new NewClient({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
      await client.connect(new NewTransport(new URL(`${url}${path}`), { requestInit: { headers: AUTH } }));
      equal(client.getProtocolEra(), "legacy");
      ok((await client.listTools()).tools.length > 0);
      await client.close();
    });
  }

  it("unknown names on /mcp are protocol errors that say what is known", async () => {
    const client = new RawClient(`${url}/mcp`, AUTH);
    await client.open();
    for (const [name, message] of [
      ["nobody__x", /unknown name "nobody__x"/],
      ["echo", /SERVER__NAME with one of everything/],
      ["good__x", /good has no tool "x"; known: echo/],
    ] as const) {
      const { error } = (await client.call(name)).json as { error: { code: number; message: string } };
      equal(error.code, -32602);
      match(error.message, message);
    }
    equal((await client.call("liar__x")).status, 503);
    equal(((await client.request("resources/subscribe", { uri: "x" })).json["error"] as { code: number }).code, -32002);
    equal(((await client.request("tasks/list")).json["error"] as { code: number }).code, -32601);
  });

  it("on /mcp two clients of an isolated server never see each other's state", async () => {
    const clients = [new RawClient(`${url}/mcp`, AUTH), new RawClient(`${url}/mcp`, AUTH)];
    const counts = [];
    for (const client of clients) {
      await client.open();
      counts.push(textOf(await client.call("own__count")));
    }
    const again = await clients[0]?.call("own__count");
    counts.push(again && textOf(again));
    deepEqual(counts, ["1", "1", "2"]);
    for (const client of clients)
      await fetch(`${url}/mcp`, { method: "DELETE", headers: { ...AUTH, "mcp-session-id": client.session ?? "" } });
  });

  it("R-TRN-10 sampling of an isolated server reaches the client through /mcp, and its answer the server", async () => {
    const client = new Client({ name: "test", version: "1" }, { capabilities: { sampling: {} } });
    const { CreateMessageRequestSchema } = await import("@modelcontextprotocol/sdk/types.js");
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: "m",
      role: "assistant",
      content: { type: "text", text: "sampled" },
    }));
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers: AUTH } }));
    match(JSON.stringify(await client.callTool({ name: "own__sample", arguments: {} })), /client said: .*sampled/);
    await client.close();
  });

  it("calls of many clients with equal ids get their own answers", async () => {
    const clients = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const client = new RawClient(`${url}/mcp`, AUTH);
        await client.open();
        return client;
      }),
    );
    const answers = await Promise.all(
      clients.flatMap((client, one) =>
        [1, 2, 3].map((n) => client.call("everything__echo", { message: `${one}.${n}` })),
      ),
    );
    deepEqual(
      answers.map(textOf),
      clients.flatMap((_, one) => [1, 2, 3].map((n) => `Echo: ${one}.${n}`)),
    );
  });

  it("a restarted supervisor is found again: its session is made anew, the call is answered", async () => {
    equal((await execute({ server: "everything", tool: "echo", arguments: { message: "a" } })).status, 200);
    running.get("everything")?.supervisor.sessions.clear();
    equal((await execute({ server: "everything", tool: "echo", arguments: { message: "b" } })).status, 200);
  });

  it("R-GW-04 a killed server shows within 10 s and gives 503 with its name; the others answer meanwhile", async () => {
    equal(await stateOf("victim"), "healthy");
    const began = Date.now();
    await running.get("victim")?.stop();
    const { status, body } = await execute({ server: "victim", tool: "echo" });
    equal(status, 503);
    match(String(body["error"]), /^victim /);
    await until(async () => (await stateOf("victim")) === "unhealthy");
    ok(Date.now() - began < 10_000);
    equal((await execute({ server: "good", tool: "echo", arguments: { message: "x" } })).status, 200);
  });

  it("a new contract adds and removes servers without touching the others", () => {
    const before = gateway.server("everything")?.upstreams[0];
    gateway.reload({ ...contract, servers: contract.servers.filter(({ name }) => name !== "victim") });
    deepEqual(gateway.names, ["everything", "good", "own", "liar"]);
    equal(gateway.server("everything")?.upstreams[0], before);
  });

  it("R-GW-15 /metrics counts by route, server and status", async () => {
    const response = await fetch(`${url}/metrics`, { headers: AUTH });
    const metrics = await response.text();
    match(metrics, /mcp_gateway_requests_total\{route="\/execute",server="good",status="504"\} \d+/);
    match(metrics, /mcp_gateway_server_state\{server="everything",state="healthy"\} 1/);
  });

  it("R-GW-15 the audit log has server, tool, status and duration, and neither token nor arguments", async () => {
    const secret = "argument-canary-77";
    await execute({ server: "good", tool: "echo", arguments: { message: secret } });
    await execute({ server: "good", tool: "nothere", arguments: { message: secret } });
    await until(() => logText().includes('"status":404'));
    match(
      logText(),
      /"event":"call","route":"\/execute","method":"tools\/call","principal":"owner","server":"good","tool":"echo","status":200,"ms":/,
    );
    ok(!logText().includes(secret));
    ok(!logText().includes(TOKEN));
  });
});
