import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { clientAddressReader } from "../../../runtime/gateway/clientAddress.ts";
import { SessionSeal } from "../../../runtime/gateway/sessionSeal.ts";
import { authOf, serverOf, startGateway, TOKENS_FILE, type Caller, type RunningGateway } from "../gatewaySupport.ts";
import { contractOf, fixture, startSupervisor, until, type RunningSupervisor } from "../support.ts";

describe("R-DEP-05 a gateway takes another one's place", () => {
  let supervisor: RunningSupervisor;
  let first: RunningGateway;
  let second: RunningGateway;

  before(async () => {
    supervisor = await startSupervisor(contractOf(fixture("good")));
    const servers = [serverOf("good", [supervisor.url])];
    // any file that both have
    [first, second] = await Promise.all([
      startGateway(servers, { sessionKeyFile: TOKENS_FILE }),
      startGateway(servers, { sessionKeyFile: TOKENS_FILE }),
    ]);
    await Promise.all([first.allHealthy(), second.allHealthy()]);
  });
  after(async () => {
    await first.stop();
    await second.stop();
    await supervisor.stop();
  });

  async function ask(
    gateway: RunningGateway,
    session: string,
    { method = "tools/list", caller = "owner" }: { method?: string; caller?: Caller } = {},
  ): Promise<{ status: number; text: string }> {
    const response = await fetch(`${gateway.url}/mcp`, {
      method: "POST",
      headers: {
        ...authOf(caller),
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-session-id": session,
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method }),
    });
    return { status: response.status, text: await response.text() };
  }
  const sessionOf = async (gateway: RunningGateway, caller: Caller = "owner"): Promise<string> =>
    (await gateway.connect("/mcp", caller)).session ?? "";

  it("and goes on with the sessions on /mcp that the other has begun", async () => {
    const session = await sessionOf(first);
    const [here, there] = [await ask(first, session), await ask(second, session)];
    equal(there.status, 200);
    match(there.text, /good__/);
    equal(there.text, here.text);
  });

  it("but for nobody else: another caller's token makes the id unknown", async () => {
    const session = await sessionOf(first, "alice");
    equal((await ask(second, session, { caller: "alice" })).status, 200);
    equal((await ask(second, session, { caller: "bob" })).status, 404);
    equal((await ask(first, session, { caller: "bob" })).status, 404);
  });

  it("an id that was changed, cut short or signed with another key is unknown", async () => {
    const session = await sessionOf(first);
    const [nonce = "", payload = "", mac = ""] = session.split(".");
    const other = Buffer.from(payload, "base64url").toString().replace("2025", "2024");
    const foreign = new SessionSeal().seal({ revision: "2025-06-18", client, issuedAt: Date.now() }, "owner");
    const wrong = [
      nonce,
      `${nonce}.${payload}`,
      `${nonce}.${payload}.`,
      `${nonce}.${payload}.${mac.slice(0, -2)}`,
      `${nonce}x.${payload}.${mac}`,
      `${nonce}.${Buffer.from(other).toString("base64url")}.${mac}`,
      `${session}.x`,
      foreign,
    ];
    for (const id of wrong) equal((await ask(second, id)).status, 404, id);
  });

  it("a session that the client has given back stays ended", async () => {
    const session = await sessionOf(first);
    const headers = { ...authOf("owner"), "mcp-session-id": session };
    equal((await fetch(`${first.url}/mcp`, { method: "DELETE", headers })).status, 200);
    equal((await ask(first, session)).status, 404);
  });

  it("takes calls once it has heard from every server, and no more when it is about to end", async () => {
    const silent = await startGateway([serverOf("silent", ["http://127.0.0.1:9"]), serverOf("good", [supervisor.url])]);
    try {
      const ready = async (): Promise<[number, unknown]> => {
        const response = await fetch(`${silent.url}/ready`);
        return [response.status, await response.json()];
      };
      deepEqual(await ready(), [503, { state: "starting", reason: "no word yet of silent, good" }]);
      silent.gateway.reload({ ...silent.contract, servers: [serverOf("good", [supervisor.url])] });
      await until(async () => (await ready())[0] === 200);
      // a server that comes later is no reason to send everybody away
      silent.gateway.reload(silent.contract);
      deepEqual(await ready(), [200, { state: "healthy", reason: null }]);
      silent.gateway.drain();
      deepEqual(await ready(), [404, { state: "draining", reason: "it is being stopped" }]);
      equal((await silent.execute("good", "echo", { text: "still served" })).status, 200);
    } finally {
      await silent.stop();
    }
  });

  for (const path of ["/mcp", "/servers/good/mcp"]) {
    it(`ends the standing stream on ${path} in an orderly way, so that its client opens another one`, async () => {
      const client = await first.connect(path);
      const stream = await fetch(`${first.url}${path}`, {
        headers: { ...authOf("owner"), accept: "text/event-stream", "mcp-session-id": client.session ?? "" },
      });
      equal(stream.status, 200);
      first.gateway.endStreams();
      await stream.text();
      await until(() => first.gateway.streams.size === 0);
    });
  }
});

const client = { capabilities: {}, clientInfo: { name: "test", version: "1" } };

describe("session ids that any gateway understands", () => {
  const seal = new SessionSeal(Buffer.from("key"));
  const session = { revision: "2025-06-18", client, issuedAt: 1000 };

  it("say what they were made of, for a day", () => {
    const id = seal.seal(session, "alice");
    match(id, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    notEqual(seal.seal(session, "alice"), id);
    deepEqual(seal.open(id, "alice", 24 * 3600 * 1000), session);
    equal(seal.open(id, "alice", 25 * 3600 * 1000), undefined);
    equal(seal.open(id, "bob", 2000), undefined);
  });

  it("hold nothing of a client that says more of itself than a header takes", () => {
    const long = { ...session, client: { ...client, clientInfo: { name: "x".repeat(4000) } } };
    match(seal.seal(long, "alice"), /^[\w-]{32}$/);
  });
});

describe("the address of a client", () => {
  const request = (remoteAddress: string | undefined, forwarded?: string) =>
    ({
      socket: { remoteAddress },
      headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    }) as unknown as IncomingMessage;

  it("is what the proxy says, and the connection's own where no proxy is", () => {
    const through = clientAddressReader("10.1.2.0/29");
    equal(through(request("10.1.2.3", "192.0.2.7")), "192.0.2.7");
    equal(through(request("::ffff:10.1.2.3", "198.51.100.1, 192.0.2.7")), "192.0.2.7");
    equal(through(request("10.1.2.3")), "10.1.2.3");
    equal(through(request("10.1.3.3", "192.0.2.7")), "10.1.3.3", "a server that claims to be a proxy");
    equal(through(request("::1", "192.0.2.7")), "::1");
    equal(through(request(undefined)), undefined);
    equal(clientAddressReader(undefined)(request("10.1.2.3", "192.0.2.7")), "10.1.2.3");
  });
});
