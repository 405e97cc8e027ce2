import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { authOf, serverOf, startGateway, type Caller, type RunningGateway } from "../gatewaySupport.ts";
import {
  contractOf,
  EVERYTHING,
  fixture,
  RawClient,
  startSupervisor,
  textOf,
  type RawAnswer,
  type RunningSupervisor,
} from "../support.ts";

type Answer = Pick<RawAnswer, "status" | "text">;
/** One way in. `name` is what of it is out of scope, or what does not exist. */
type Attempt = (caller: Caller, name: string) => Promise<Answer>;

const NOWHERE = "nowhere";
const INIT = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };

describe("R-GW-14 a caller with scopes", () => {
  const supervisors: RunningSupervisor[] = [];
  let running: RunningGateway;

  before(async () => {
    const careless = contractOf(fixture("careless"));
    supervisors.push(
      await startSupervisor(careless),
      await startSupervisor({ ...careless, sharing: "isolated", maxChildren: 40 }),
      await startSupervisor(contractOf(EVERYTHING)),
      await startSupervisor(careless),
    );
    const [some = "", own = "", everything = "", hidden = ""] = supervisors.map(({ url }) => url);
    running = await startGateway(
      [
        serverOf("some", [some], { repeatableTools: ["echo", "secret"] }),
        serverOf("own", [own], { sharing: "isolated" }),
        serverOf("everything", [everything]),
        serverOf("hidden", [hidden]),
      ],
      {
        principals: [
          { name: "alice", scopes: { some: ["echo"], own: ["ec*"], everything: ["echo"] } },
          { name: "bob", admin: true, scopes: { everything: "*", "*": ["echo"] } },
        ],
      },
    );
    await running.allHealthy();
  });
  after(async () => {
    await running.stop();
    await Promise.all(supervisors.map((one) => one.stop()));
  });

  const http = async (caller: Caller, method: string, path: string, body?: object): Promise<Answer> => {
    const headers = { ...authOf(caller), accept: "application/json, text/event-stream" };
    const signal = AbortSignal.timeout(5000);
    const init = { method, headers, signal, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(`${running.url}${path}`, init);
    return { status: response.status, text: await response.text() };
  };
  const get = async (caller: Caller, path: string) =>
    JSON.parse((await http(caller, "GET", path)).text) as Record<string, unknown>;
  const mcp = async (caller: Caller, path: string, method: string, params: object): Promise<Answer> =>
    (await running.connect(path, caller)).request(method, params);
  const listOf = async (caller: Caller, path: string, kind: string): Promise<string[]> => {
    const { json } = await (await running.connect(path, caller)).request(`${kind}/list`);
    return (json["result"] as Record<string, { name: string }[]>)[kind]?.map(({ name }) => name) ?? [];
  };

  const attempts: [path: string, outOfScope: string, attempt: Attempt][] = [
    ["/execute", "hidden", (caller, server) => http(caller, "POST", "/execute", { server, tool: "echo" })],
    ["/execute", "secret", (caller, tool) => http(caller, "POST", "/execute", { server: "some", tool })],
    ["/execute", "secret", (caller, tool) => http(caller, "POST", "/execute", { server: "own", command: tool })],
    [
      "/api/v1/mcp/execute",
      "hidden",
      (caller, server) => http(caller, "POST", "/api/v1/mcp/execute", { server, tool: "echo" }),
    ],
    [
      "/api/v1/mcp/execute",
      "secret",
      (caller, tool) => http(caller, "POST", "/api/v1/mcp/execute", { server: "some", tool }),
    ],
    [
      "POST /servers/NAME/mcp",
      "hidden",
      (caller, server) =>
        http(caller, "POST", `/servers/${server}/mcp`, { jsonrpc: "2.0", id: 1, method: "initialize", params: INIT }),
    ],
    ["GET /servers/NAME/mcp", "hidden", (caller, server) => http(caller, "GET", `/servers/${server}/mcp`)],
    ["DELETE /servers/NAME/mcp", "hidden", (caller, server) => http(caller, "DELETE", `/servers/${server}/mcp`)],
    ["/servers/NAME/mcp", "secret", (caller, name) => mcp(caller, "/servers/some/mcp", "tools/call", { name })],
    ["/servers/NAME/mcp", "secret", (caller, name) => mcp(caller, "/servers/own/mcp", "tools/call", { name })],
    ["/mcp", "hidden", (caller, server) => mcp(caller, "/mcp", "tools/call", { name: `${server}__echo` })],
    ["/mcp", "secret", (caller, tool) => mcp(caller, "/mcp", "tools/call", { name: `some__${tool}` })],
    ["/mcp", "secret", (caller, tool) => mcp(caller, "/mcp", "tools/call", { name: `own__${tool}` })],
    ["/mcp", "simple-prompt", (caller, name) => mcp(caller, "/mcp", "prompts/get", { name: `everything__${name}` })],
    ["/mcp", "demo://resource/dynamic/text/1", (caller, uri) => mcp(caller, "/mcp", "resources/read", { uri })],
    ["/mcp", "demo://resource/dynamic/text/1", (caller, uri) => mcp(caller, "/mcp", "resources/subscribe", { uri })],
    ["/mcp", "demo://resource/dynamic/text/1", (caller, uri) => mcp(caller, "/mcp", "resources/unsubscribe", { uri })],
    [
      "/mcp",
      "completable-prompt",
      (caller, name) =>
        mcp(caller, "/mcp", "completion/complete", {
          ref: { type: "ref/prompt", name: `everything__${name}` },
          argument: { name: "department", value: "E" },
        }),
    ],
    [
      "/mcp",
      "demo://resource/dynamic/text/{resourceId}",
      (caller, uri) =>
        mcp(caller, "/mcp", "completion/complete", {
          ref: { type: "ref/resource", uri },
          argument: { name: "resourceId", value: "1" },
        }),
    ],
    ["/metrics", "/metrics", (caller, path) => http(caller, "GET", path.startsWith("/") ? path : `/${path}`)],
  ];

  attempts.forEach(([path, outOfScope, attempt], index) => {
    it(`${path}: ${outOfScope} looks like what does not exist (${index + 1} of ${attempts.length})`, async () => {
      const own = await attempt("alice", outOfScope);
      const nothing = await attempt("alice", NOWHERE);
      equal(own.status, nothing.status);
      // the same words about another name, the number of the request aside
      const words = ({ text }: Answer, name: string): string =>
        text.replaceAll(JSON.stringify(name).slice(1, -1), "NAME").replaceAll("/NAME", "NAME");
      equal(words(own, outOfScope), words(nothing, NOWHERE));
      ok(!own.text.replaceAll(outOfScope, "").includes("hidden"), own.text);
      notEqual((await attempt("owner", outOfScope)).text, own.text, "whoever may gets another answer");
    });
  });

  it("lists name what is in scope and nothing else", async () => {
    for (const path of ["/servers", "/api/v1/mcp/servers"]) {
      const { servers } = (await get("alice", path)) as {
        servers: { name: string; tools: string[]; repeatableTools: string[] }[];
      };
      deepEqual(
        servers.map(({ name, tools, repeatableTools }) => [name, tools, repeatableTools]),
        [
          ["some", ["echo"], ["echo"]],
          ["own", ["echo"], []],
          ["everything", ["echo"], []],
        ],
      );
    }
    for (const path of ["/status", "/api/v1/mcp/status"]) {
      const status = await get("alice", path);
      equal(status["declared"], 3);
      deepEqual(Object.keys(status["servers"] as object), ["some", "own", "everything"]);
    }
    deepEqual(await listOf("alice", "/mcp", "tools"), ["some__echo", "own__echo", "everything__echo"]);
    for (const name of ["some", "own", "everything"])
      deepEqual(await listOf("alice", `/servers/${name}/mcp`, "tools"), ["echo"]);
    for (const kind of ["prompts", "resources"]) deepEqual(await listOf("alice", "/mcp", kind), []);
    const templates = await mcp("alice", "/mcp", "resources/templates/list", {});
    match(templates.text, /"resourceTemplates":\[\]/);
  });

  for (const method of [
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "tasks/list",
  ]) {
    it(`with some tools of a server only: ${method} is a method that it has not`, async () => {
      const { status, text } = await mcp("alice", "/servers/everything/mcp", method, {
        uri: "demo://resource/dynamic/text/1",
        name: "simple-prompt",
        level: "debug",
      });
      equal(status, 200);
      match(text, new RegExp(`"error":\\{"code":-32601,"message":"unknown method ${method}"`));
    });
  }

  it("with some tools of a server only, the server has tools and nothing else, and no word of the others", async () => {
    const open = (caller: Caller): Promise<RawAnswer> =>
      new RawClient(`${running.url}/servers/everything/mcp`, authOf(caller)).open();
    const result = (await open("alice")).json["result"] as Record<string, unknown>;
    deepEqual(Object.keys(result), ["protocolVersion", "capabilities", "serverInfo"]);
    deepEqual(Object.keys(result["capabilities"] as object), ["tools"]);
    ok("resources" in ((await open("bob")).json["result"] as { capabilities: object }).capabilities);
  });

  it("with some tools of a shared server only, its log, in which others' calls stand, is not heard", async () => {
    const statuses = [];
    for (const [caller, server] of [
      ["alice", "everything"],
      ["alice", "own"],
      ["bob", "everything"],
    ] as const) {
      const { session = "" } = await running.connect(`/servers/${server}/mcp`, caller);
      const headers = { ...authOf(caller), accept: "text/event-stream", "mcp-session-id": session };
      const answer = await fetch(`${running.url}/servers/${server}/mcp`, { headers });
      statuses.push(answer.status);
      await answer.body?.cancel();
    }
    deepEqual(statuses, [405, 200, 200]);
  });

  it("what is in scope is reached on every path", async () => {
    for (const server of ["some", "own", "everything"]) {
      equal(textOf(await running.execute(server, "echo", { message: "1" }, "alice")), "Echo: 1");
      const direct = await running.connect(`/servers/${server}/mcp`, "alice");
      equal(textOf(await direct.call("echo", { message: "2" })), "Echo: 2");
      const joint = await running.connect("/mcp", "alice");
      equal(textOf(await joint.call(`${server}__echo`, { message: "3" })), "Echo: 3");
    }
  });

  it("the whole of one server, and some tools of all that are not named", async () => {
    deepEqual(await listOf("bob", "/servers/some/mcp", "tools"), ["echo"]);
    deepEqual(await listOf("bob", "/servers/hidden/mcp", "tools"), ["echo"]);
    ok((await listOf("bob", "/servers/everything/mcp", "tools")).length > 10);
    ok((await listOf("bob", "/mcp", "prompts")).every((name) => name.startsWith("everything__")));
    const read = { uri: "demo://resource/dynamic/text/1" };
    for (const path of ["/mcp", "/servers/everything/mcp"])
      match((await mcp("bob", path, "resources/read", read)).text, /"contents"/);
    equal((await http("bob", "GET", "/metrics")).status, 200);
  });

  const call = '"jsonrpc":"2.0","id":9,"method":"tools/call"';
  const smuggled: [what: string, message: (name: (tool: string) => string) => string][] = [
    ["a second name in other letters", (name) => `{${call},"params":{"name":"${name("echo")}","Name":"secret"}}`],
    ["a second name", (name) => `{${call},"params":{"name":"secret","name":"${name("echo")}"}}`],
    [
      "other params in other letters",
      (name) => `{${call},"params":{"name":"${name("echo")}"},"PARAMS":{"name":"secret"}}`,
    ],
    [
      "another method in other letters",
      (name) =>
        `{"jsonrpc":"2.0","id":9,"method":"tools/list","METHOD":"tools/call","params":{"name":"secret","x":"${name("")}"}}`,
    ],
    ["an escaped key", (name) => `{${call},"params":{"name":"${name("echo")}","N\\u0041me":"secret"}}`],
  ];
  for (const [what, message] of smuggled) {
    it(`a message that names two tools reaches the one that was checked: ${what}`, async () => {
      for (const [path, prefix] of [
        ["/servers/some/mcp", ""],
        ["/servers/own/mcp", ""],
        ["/mcp", "some__"],
        ["/mcp", "own__"],
      ] as const) {
        const client = await running.connect(path, "alice");
        const { text } = await client.post(message((tool) => `${prefix}${tool}`));
        ok(!text.includes("SECRET"), `${path}: ${text}`);
      }
    });
  }
  it("the server of these tests is careless indeed: of two names it takes the wrong one", async () => {
    const client = await running.connect("/servers/some/mcp", "owner");
    const { text } = await client.post(`{${call},"params":{"name":"echo","Name":"secret"}}`);
    match(text, /SECRET/);
  });
});
