import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { GatewayContract, PrincipalContract } from "../../../runtime/contract/index.ts";
import { FailureLimiter } from "../../../runtime/gateway/failureLimiter.ts";
import { TokenBucket } from "../../../runtime/gateway/tokenBucket.ts";
import { authOf, serverOf, startGateway, TOKENS, type Caller, type RunningGateway } from "../gatewaySupport.ts";
import { contractOf, fixture, startSupervisor, textOf, until, type RunningSupervisor } from "../support.ts";

describe("R-GW-14 limits on rates", () => {
  it("a token bucket lets a burst through, then its rate, and says when to come again", () => {
    const bucket = new TokenBucket(2, 3, 0);
    deepEqual(
      [0, 0, 0, 0, 250, 500, 500, 10_000, 10_000, 10_000, 10_000].map((now) => bucket.take(now)),
      [0, 0, 0, 0.5, 0.25, 0, 0.5, 0, 0, 0, 0.5],
    );
  });

  it("failures are limited by source address, in a table with a bound", () => {
    const limiter = new FailureLimiter();
    const taken = Array.from({ length: 30 }, () => limiter.take("192.0.2.1", 0));
    equal(taken.filter((seconds) => seconds === 0).length, 20);
    equal(limiter.take("192.0.2.2", 0), 0);
    equal(limiter.take("192.0.2.1", 1000), 0);
    for (let index = 0; index < 5000; index += 1) limiter.take(`source ${index}`, 1000);
    equal(limiter.size, 1024);
  });
});

describe("callers of a running gateway", () => {
  let shared: RunningSupervisor;
  let running: RunningGateway;
  const alice = (rights: Partial<PrincipalContract> = {}): GatewayContract => ({
    ...running.contract,
    principals: [{ name: "alice", ...rights }, { name: "bob" }],
  });

  before(async () => {
    shared = await startSupervisor(contractOf(fixture("good")));
  });
  beforeEach(async () => {
    running = await startGateway([serverOf("good", [shared.url])]);
    await running.allHealthy();
  });
  afterEach(() => running.stop());
  after(() => shared.stop());

  const get = (authorization: string, path = "/status"): Promise<Response> =>
    fetch(`${running.url}${path}`, { headers: { authorization } });
  const statuses = async (count: number, authorization: string): Promise<number[]> => {
    const answers = await Promise.all(Array.from({ length: count }, () => get(authorization)));
    return answers.map(({ status }) => status);
  };
  /** The standing stream of a new session. */
  const stream = async (path: string, caller: Caller) => {
    const client = await running.connect(path, caller);
    const headers = { ...authOf(caller), accept: "text/event-stream", "mcp-session-id": client.session ?? "" };
    const answer = await fetch(`${running.url}${path}`, { headers });
    equal(answer.status, 200);
    let open = true;
    void answer
      .text()
      .catch(() => "")
      .finally(() => (open = false));
    return { client, isOpen: () => open };
  };

  it("beyond its rate a caller gets 429 and when to come again; others do not", async () => {
    running.gateway.reload(alice({ rateLimit: { requestsPerSecond: 0.1, burst: 4 } }));
    const { authorization } = authOf("alice") as { authorization: string };
    const seen = await statuses(10, authorization);
    deepEqual([seen.filter((status) => status === 200).length, seen.filter((status) => status === 429).length], [4, 6]);
    const refused = await get(authorization);
    equal(refused.headers.get("retry-after"), "10");
    match(await refused.text(), /more than 0.1 requests per second, 4 at once/);
    deepEqual(await statuses(10, `Bearer ${TOKENS.bob}`), Array(10).fill(200));
    await until(() => /"principal":"alice","status":429/.test(running.logText()));
  });

  it("a reload that leaves a limit as it is gives nobody a new burst", async () => {
    const limited = alice({ rateLimit: { requestsPerSecond: 0.1, burst: 2 } });
    running.gateway.reload(limited);
    const { authorization = "" } = authOf("alice");
    await statuses(2, authorization);
    running.gateway.reload(limited);
    deepEqual(await statuses(1, authorization), [429]);
    running.gateway.reload(alice());
    deepEqual(await statuses(5, authorization), Array(5).fill(200));
  });

  it("wrong tokens beyond a few get 429 and no line each in the log; a valid one from the same address goes on", async () => {
    const seen = await statuses(100, "Bearer wrong");
    ok(seen.filter((status) => status === 401).length >= 20);
    ok(seen.filter((status) => status === 429).length >= 60);
    deepEqual(await statuses(20, `Bearer ${TOKENS.bob}`), Array(20).fill(200));
    const lines = running.logText().split("\n");
    ok(lines.filter((line) => line.includes('"fault":"unauthorised"')).length < 40);
    equal(lines.filter((line) => line.includes('"status":429')).length, 0);
  });

  for (const path of ["/mcp", "/servers/good/mcp"]) {
    it(`R-SEC-09 streams and sessions on ${path} outlive a reload that leaves their caller its rights and its token`, async () => {
      const { client, isOpen } = await stream(path, "alice");
      running.gateway.reload(alice({ rateLimit: { requestsPerSecond: 1000, burst: 1000 } }));
      const name = path === "/mcp" ? "good__echo" : "echo";
      equal(textOf(await client.call(name, { message: "x" })), "Echo: x");
      ok(isOpen());
    });

    it(`R-SEC-09 streams on ${path} end with the rights of their caller`, async () => {
      const { isOpen } = await stream(path, "alice");
      const other = await stream(path, "bob");
      running.gateway.reload(alice({ scopes: { good: ["echo"] } }));
      await until(() => !isOpen(), 5000);
      ok(other.isOpen());
    });

    it(`R-SEC-09 streams on ${path} end within 5 s of their token, which nobody had to take away`, async () => {
      const { client, isOpen } = await stream(path, "alice");
      const other = await stream(path, "bob");
      running.expire("alice", new Date(Date.now() + 500));
      await until(() => !isOpen(), 5000);
      equal((await client.request("tools/list")).status, 401);
      ok(other.isOpen());
    });
  }

  it("a session on /mcp ends with the rights that it was opened with", async () => {
    const client = await running.connect("/mcp", "alice");
    running.gateway.reload(alice({ scopes: { good: ["echo"] } }));
    equal((await client.request("tools/list")).status, 404);
  });
});
