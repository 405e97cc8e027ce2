import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { SseParser } from "../../../runtime/wire/sse.ts";
import { authOf, serverOf, startGateway, type RunningGateway } from "../gatewaySupport.ts";
import {
  contractOf,
  fixture,
  startSupervisor,
  stateIs,
  textOf,
  until,
  type RawClient,
  type RunningSupervisor,
} from "../support.ts";

describe("R-TRN-10 on /mcp what servers say of their own accord", () => {
  let shared: RunningSupervisor;
  let isolated: RunningSupervisor;
  let running: RunningGateway;
  const ends: AbortController[] = [];

  before(async () => {
    shared = await startSupervisor(contractOf(fixture("talker")));
    isolated = await startSupervisor(contractOf(fixture("talker"), { sharing: "isolated", maxChildren: 8 }));
    running = await startGateway([
      serverOf("talk", [shared.url]),
      serverOf("own", [isolated.url], { sharing: "isolated" }),
    ]);
    await running.allHealthy();
  });
  afterEach(() => {
    for (const end of ends.splice(0)) end.abort();
    running.gateway.aggregate.sessions.clear();
  });
  after(async () => {
    await running.stop();
    await shared.stop();
    await isolated.stop();
  });

  /** A session with its standing stream open, and every notification that came on it. */
  async function listener(): Promise<{ client: RawClient; heard: Record<string, unknown>[] }> {
    const client = await running.connect("/mcp");
    const abort = new AbortController();
    ends.push(abort);
    const response = await fetch(`${running.url}/mcp`, {
      headers: { ...authOf("owner"), accept: "text/event-stream", "mcp-session-id": client.session ?? "" },
      signal: abort.signal,
    });
    const heard: Record<string, unknown>[] = [];
    const parser = new SseParser();
    void (async () => {
      for await (const piece of response.body ?? [])
        for (const data of parser.push(Buffer.from(piece).toString()))
          heard.push(JSON.parse(data) as Record<string, unknown>);
    })().catch(() => undefined);
    return { client, heard };
  }
  const ofMethod = (heard: readonly Record<string, unknown>[], method: string) =>
    heard.filter((message) => message["method"] === method).map(({ params }) => params as Record<string, unknown>);
  const updates = (heard: readonly Record<string, unknown>[]) =>
    ofMethod(heard, "notifications/resources/updated").map(({ uri }) => uri);
  const logged = (heard: readonly Record<string, unknown>[]) =>
    ofMethod(heard, "notifications/message").map(({ data }) => data);
  const settings = async (client: RawClient, server: string): Promise<unknown> =>
    JSON.parse(textOf(await client.call(`${server}__settings`)) ?? "");

  it("a subscription brings its changes to who subscribed, and to nobody else, until it is taken back", async () => {
    const [subscriber, other] = [await listener(), await listener()];
    equal((await subscriber.client.request("resources/subscribe", { uri: "talk://a" })).status, 200);
    const touch = async (uri: string) => equal((await other.client.call("talk__touch", { uri })).status, 200);
    // the stream to the server is opened beside the answer
    await until(async () => (await touch("talk://a"), updates(subscriber.heard).length > 0));
    await touch("talk://b");
    await sleep(100);
    deepEqual(new Set(updates(subscriber.heard)), new Set(["talk://a"]));
    deepEqual(updates(other.heard), []);
    equal((await subscriber.client.request("resources/unsubscribe", { uri: "talk://a" })).status, 200);
    const before = updates(subscriber.heard).length;
    await touch("talk://a");
    await sleep(100);
    equal(updates(subscriber.heard).length, before);
  });

  it("a subscription goes on when its server was killed", async () => {
    const { client, heard } = await listener();
    await client.request("resources/subscribe", { uri: "talk://b" });
    const touched = async () => (await client.call("talk__touch", { uri: "talk://b" }), updates(heard).length > 0);
    await until(touched);
    process.kill(shared.supervisor.keeper.child?.pid ?? 0, "SIGKILL");
    await until(() => shared.supervisor.readiness().state !== "healthy");
    await stateIs(shared, "healthy");
    await running.allHealthy();
    heard.length = 0;
    await until(touched);
  });

  it("a subscription goes on when the supervisor has forgotten the session", async () => {
    const { client, heard } = await listener();
    await client.request("resources/subscribe", { uri: "talk://b" });
    const touched = async () => (await client.call("talk__touch", { uri: "talk://b" }), updates(heard).length > 0);
    await until(touched);
    shared.supervisor.sessions.clear();
    heard.length = 0;
    await until(touched);
  });

  it("a log level holds for the servers that the session uses, shared and isolated, and for this session alone", async () => {
    const [quiet, loud] = [await listener(), await listener()];
    equal((await quiet.client.request("logging/setLevel", { level: "error" })).status, 200);
    equal((await loud.client.request("logging/setLevel", { level: "debug" })).status, 200);
    const say = async (client: RawClient, server: string, level: string) =>
      equal((await client.call(`${server}__say`, { level, data: `${server} ${level}` })).status, 200);
    await say(quiet.client, "talk", "info");
    await until(async () => (await say(quiet.client, "talk", "error"), logged(quiet.heard).includes("talk error")));
    await say(loud.client, "talk", "info");
    await until(async () => (await say(loud.client, "talk", "info"), logged(loud.heard).includes("talk info")));
    await sleep(100);
    ok(!logged(quiet.heard).includes("talk info"), JSON.stringify(quiet.heard));
    await say(quiet.client, "own", "info");
    deepEqual(await settings(quiet.client, "own"), { level: "error", subscribed: [] });
    deepEqual(await settings(loud.client, "own"), { level: "debug", subscribed: [] });
    const wrong = await quiet.client.request("logging/setLevel", { level: "loud" });
    match(wrong.text, /level must be one of debug, info/);
  });

  it("a level that comes late reaches the servers in use", async () => {
    const { client } = await listener();
    deepEqual(await settings(client, "own"), { level: "debug", subscribed: [] });
    await client.request("logging/setLevel", { level: "alert" });
    await until(async () => /"level":"alert"/.test(JSON.stringify(await settings(client, "own"))));
  });

  it("sessions that end while their servers are asked do not pass for broken servers", async () => {
    for (let round = 0; round < 20; round += 1) {
      const client = await running.connect("/mcp");
      await client.request("logging/setLevel", { level: "error" });
      // the answer comes before the stream is open
      await client.call("talk__echo", { message: "x" });
      running.gateway.aggregate.sessions.clear();
      equal(running.gateway.server("talk")?.routable, true);
    }
    await sleep(50);
    ok(!running.logText().includes("does not answer"));
  });

  it("a session that is not opened in time is a time-out of its caller, not the end of the server", async () => {
    const slow = await startSupervisor(contractOf(fixture("slowStart"), { sharing: "isolated", maxChildren: 8 }));
    await stateIs(slow, "healthy", 10_000);
    const gateway = await startGateway([serverOf("slow", [slow.url], { sharing: "isolated" })], {
      callTimeoutSeconds: 0.3,
    });
    try {
      await gateway.allHealthy();
      const { status, text } = await gateway.execute("slow", "echo", { message: "x" });
      equal(status, 504, text);
      equal(gateway.gateway.server("slow")?.routable, true);
    } finally {
      await gateway.stop();
      await slow.stop();
    }
  });

  it("completions go to the server of the prompt or the resource", async () => {
    const client = await running.connect("/mcp");
    const argument = { name: "name", value: "" };
    const ref = { type: "ref/resource", uri: "talk://{name}" };
    const { json } = await client.request("completion/complete", { ref, argument });
    deepEqual(json["result"], { completion: { values: ["a", "b"], total: 2, hasMore: false } });
  });

  it("traceparent reaches the server in _meta on every path", async () => {
    const traced = await startSupervisor(contractOf(fixture("good")));
    const gateway = await startGateway([serverOf("good", [traced.url])]);
    await gateway.allHealthy();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const viaRest = await fetch(`${gateway.url}/execute`, {
      method: "POST",
      headers: { ...authOf("owner"), traceparent },
      body: JSON.stringify({ server: "good", tool: "meta" }),
    });
    match(await viaRest.text(), new RegExp(traceparent));
    for (const [path, name] of [
      ["/mcp", "good__meta"],
      ["/servers/good/mcp", "meta"],
    ] as const) {
      const client = await gateway.connect(path);
      const answer = await client.request("tools/call", { name, arguments: {} }, { traceparent });
      match(textOf(answer) ?? "", new RegExp(traceparent), path);
    }
    await gateway.stop();
    await traced.stop();
  });
});
