import { deepEqual, equal, match } from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { Trunk } from "../../../runtime/gateway/trunk.ts";
import type { TrunkHead } from "../../../runtime/wire/trunkFrames.ts";
import {
  contractOf,
  fixture,
  listen,
  RawClient,
  startSupervisor,
  stateIs,
  until,
  type RunningSupervisor,
} from "../support.ts";

const head = (session?: string): TrunkHead => ({
  session,
  revision: "2025-11-25",
  accept: "application/json, text/event-stream",
  contentType: "application/json",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: undefined,
  principal: undefined,
});
const callOf = (name: string, args: object = {}, meta?: object): string =>
  JSON.stringify({
    jsonrpc: "2.0",
    id: 5,
    method: "tools/call",
    params: { name, arguments: args, ...(meta !== undefined && { _meta: meta }) },
  });

/** Everything that one call was told. */
function listener() {
  const events: [string, ...unknown[]][] = [];
  return {
    events,
    ended: () => events.some(([name]) => ["whole", "end", "failed"].includes(name)),
    handlers: {
      whole: (status: number, _headers: unknown, text: string): void => void events.push(["whole", status, text]),
      begin: (status: number): void => void events.push(["begin", status]),
      piece: (text: string): void => void events.push(["piece", text]),
      end: (): void => void events.push(["end"]),
      failed: (fault: Error): void => void events.push(["failed", fault.message]),
    },
  };
}

describe("the trunk between gateway and supervisor", () => {
  let running: RunningSupervisor;
  let session: string | undefined;
  const lost: string[] = [];
  let paused = 0;
  const trunkTo = (url: string): Trunk =>
    new Trunk({
      name: "good",
      url,
      connectTimeoutMs: 500,
      lost: (reason) => lost.push(reason),
      paused: () => (paused += 1),
    });

  before(async () => {
    running = await startSupervisor(contractOf(fixture("good")));
    await stateIs(running, "healthy");
    const client = new RawClient(`${running.url}/mcp`);
    await client.open();
    session = client.session;
  });
  after(() => running.stop());
  beforeEach(() => (lost.length = 0));

  it("answers calls whole, streams from the first notification on, and passes the trace on", async () => {
    const trunk = trunkTo(running.url);
    const [plain, streamed, traced] = [listener(), listener(), listener()];
    trunk.call(head(session), callOf("echo", { message: "hi" }), plain.handlers);
    await until(plain.ended);
    trunk.call(head(session), callOf("progress", {}, { progressToken: "mine" }), streamed.handlers);
    await until(streamed.ended);
    trunk.call(head(session), callOf("meta"), traced.handlers);
    await until(traced.ended);
    match(String(plain.events[0]?.[2]), /Echo: hi/);
    deepEqual(
      streamed.events.map(([name]) => name),
      ["begin", "piece", "piece", "piece", "end"],
    );
    match(JSON.stringify(streamed.events), /progressToken[^]*mine[^]*after progress/);
    match(String(traced.events[0]?.[2]), /traceparent/);
    trunk.close();
  });

  it("a call that is taken back is cancelled at the server", async () => {
    const trunk = trunkTo(running.url);
    const hanging = listener();
    const takeBack = trunk.call(head(session), callOf("hang"), hanging.handlers);
    await until(() => running.supervisor.keeper.child?.channel.inFlight === 1);
    takeBack();
    await until(() => running.supervisor.keeper.child?.channel.inFlight === 0);
    deepEqual(hanging.events, []);
    trunk.close();
  });

  it("its end fails every call at once and is reported; the next call opens a new one", async () => {
    const trunk = trunkTo(running.url);
    const hanging = listener();
    trunk.call(head(session), callOf("hang"), hanging.handlers);
    await until(() => running.supervisor.keeper.child?.channel.inFlight === 1);
    trunk.reset("it is silent");
    deepEqual(hanging.events, [["failed", "good cannot be reached: it is silent"]]);
    deepEqual(lost, ["it is silent"]);
    await until(() => running.supervisor.keeper.child?.channel.inFlight === 0);
    const again = listener();
    trunk.call(head(session), callOf("echo", { message: "x" }), again.handlers);
    await until(again.ended);
    equal(again.events[0]?.[1], 200);
    trunk.close();
    deepEqual(lost, ["it is silent"]);
  });

  it("says, without being asked, that further calls will be refused for a moment", async () => {
    const trunk = trunkTo(running.url);
    trunk.open();
    await until(async () => {
      await running.supervisor.endpoint.drain("it is restarted", 0);
      running.supervisor.endpoint.resume();
      return paused > 0;
    });
    deepEqual(lost, []);
    trunk.close();
  });

  it("a peer that is no supervisor, or talks nonsense, fails the call and is reported", async () => {
    const servers: Server[] = [
      createServer((_request, response) => response.end("hello")),
      createServer().on("upgrade", (_request, socket: Duplex) => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: x\r\n\r\nnonsense\n");
      }),
    ];
    for (const server of servers) {
      const trunk = trunkTo(await listen(server));
      const call = listener();
      trunk.call(head(), callOf("echo"), call.handlers);
      await until(call.ended);
      match(String(call.events[0]?.[1]), /^good cannot be reached: (HTTP 200 instead of a trunk|an unknown frame)/);
      equal(lost.length, 1);
      lost.length = 0;
      trunk.close();
      server.close();
      server.closeAllConnections();
    }
  });

  it("the supervisor refuses another protocol, a foreign host, and ends on nonsense", async () => {
    const upgrade = async (headers: Record<string, string>, body = ""): Promise<string> => {
      const { connect } = await import("node:net");
      const socket = connect(Number(new URL(running.url).port), "127.0.0.1");
      const lines = Object.entries({ connection: "Upgrade", ...headers }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      socket.write(`GET /trunk HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
      let text = "";
      for await (const chunk of socket) text += String(chunk);
      return text.split("\r\n")[0] ?? "";
    };
    equal(await upgrade({ host: "localhost", upgrade: "websocket" }), "HTTP/1.1 426 Upgrade Required");
    equal(await upgrade({ host: "evil.example", upgrade: "mcp-estate-trunk/1" }), "HTTP/1.1 403 Forbidden");
    equal(
      await upgrade({ host: "localhost", upgrade: "mcp-estate-trunk/1" }, "nonsense\n"),
      "HTTP/1.1 101 Switching Protocols",
    );
  });
});
