import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import fc from "fast-check";
import { rewriteForClient, splitServerId } from "../../../runtime/gateway/aggregateCall.ts";
import { Breaker } from "../../../runtime/gateway/breaker.ts";
import { splitName, templatePattern } from "../../../runtime/gateway/catalogue.ts";
import { parseExecute, toolAnswer } from "../../../runtime/gateway/execute.ts";
import { Semaphore } from "../../../runtime/gateway/semaphore.ts";
import { countStates, UNKNOWN_STATE, type UpstreamState } from "../../../runtime/gateway/upstreamState.ts";
import { isFault } from "../support.ts";

describe("R-GW-02 the body of /execute", () => {
  it("takes tool, or command as its older name", () => {
    deepEqual(parseExecute('{"server":"a","tool":"t"}'), { server: "a", tool: "t", arguments: {} });
    deepEqual(parseExecute('{"server":"a","command":"t","arguments":{"x":1}}'), {
      server: "a",
      tool: "t",
      arguments: { x: 1 },
    });
  });
  for (const [body, message] of [
    ["{", /not valid JSON/],
    ["[]", /body: /],
    ['{"tool":"t"}', /^server: /],
    ['{"server":"a"}', /^tool: /],
    ['{"server":"a","tool":"t","command":"t"}', /^tool: /],
    ['{"server":"a","tool":7}', /^tool: /],
    ['{"server":"a","tool":"t","arguments":[]}', /^arguments: /],
    ['{"server":"a","tool":"t","extra":1}', /extra/],
  ] as const) {
    it(`R-GW-06 400 names the field: ${body}`, () =>
      throws(
        () => parseExecute(body),
        (error) => isFault(error, 400, message),
      ));
  }
});

describe("R-GW-06 answers of a server", () => {
  const answer = (body: string, status = 200) => toolAnswer("srv", status, body);

  it("a result is handed on byte for byte", () => {
    const result = '{"content":[ {"type":"text","text":"\\u00e4"} ],"x":1.0}';
    deepEqual(answer(`{"jsonrpc":"2.0","id":1,"result":${result}}`), { text: result, isError: false });
  });
  it("a tool's own error is told apart", () =>
    equal(answer('{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}').isError, true));

  for (const [name, body, status, want] of [
    ["no JSON", "<html>", 200, 502],
    ["an empty result", '{"jsonrpc":"2.0","id":1,"result":{}}', 200, 502],
    ["a null result", '{"jsonrpc":"2.0","id":1,"result":null}', 200, 502],
    ["an error of the server", '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"m"}}', 200, 502],
    ["wrong arguments", '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"m"}}', 200, 400],
    [
      "a deadline",
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"m","data":{"fault":"timeout"}}}',
      504,
      504,
    ],
    [
      "no child",
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"m","data":{"fault":"unavailable"}}}',
      503,
      503,
    ],
    ["a result under an error status", '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}', 500, 502],
  ] as const) {
    it(`${name} is ${want}`, () =>
      throws(
        () => answer(body, status),
        (error) => isFault(error, want, /srv/),
      ));
  }
});

describe("R-GW-10 places", () => {
  it("are handed on in order, bounded, and end in time", async () => {
    const places = new Semaphore("srv", 1, 2);
    const order: string[] = [];
    await places.acquire(1000);
    const first = places.acquire(1000).then(() => order.push("first"));
    const late = places.acquire(20);
    await rejects(places.acquire(1000), (error) => isFault(error, 503, /2 calls are waiting/));
    await rejects(late, (error) => isFault(error, 504, /no place became free/));
    places.release();
    await first;
    places.release();
    deepEqual([order, places.held, places.queued], [["first"], 0, 0]);
  });
});

describe("R-GW-12 circuit breaker", () => {
  it("opens after five failures in a row and closes by a probe, not before 5 s", () => {
    const breaker = new Breaker();
    for (let index = 0; index < 4; index += 1) breaker.failed(0);
    breaker.succeeded();
    for (let index = 0; index < 4; index += 1) breaker.failed(0);
    equal(breaker.open, false);
    breaker.failed(0);
    equal(breaker.open, true);
    breaker.probed(4999);
    equal(breaker.open, true);
    breaker.probed(5000);
    equal(breaker.open, false);
  });
});

describe("R-GW-08 counts", () => {
  it("come from states; healthy is who has answered a call", () => {
    const states = [
      "healthy",
      "healthy",
      "degraded",
      "unhealthy",
      "crash-loop",
      "quarantined",
      "stopped",
      "starting",
    ] as const;
    const of = (state: UpstreamState, listsOnly = false) => ({ state, listsOnly });
    const all = states.map((state) => of({ ...UNKNOWN_STATE, state, reachable: true }));
    const listing = of({ ...UNKNOWN_STATE, state: "healthy", reachable: true }, true);
    deepEqual(countStates([...all, of({ ...UNKNOWN_STATE, state: "unhealthy" }, true), listing]), {
      declared: 10,
      running: 6,
      healthy: 2,
      listsOnly: 1,
      degraded: 1,
      unhealthy: 2,
      starting: 1,
      stopped: 1,
      quarantined: 2,
    });
  });
});

describe("names of all servers together", () => {
  it("split at the first two underscores", () => {
    deepEqual(splitName("memory__create_entities"), { server: "memory", local: "create_entities" });
    deepEqual(splitName("a___b__c"), { server: "a", local: "_b__c" });
    equal(splitName("echo"), undefined);
    equal(splitName("__echo"), undefined);
  });
  it("a server's request id finds back to it, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.string()), (id) => {
        const text = rewriteForClient(
          JSON.stringify({ jsonrpc: "2.0", id, method: "sampling/createMessage" }),
          "srv",
          "1",
        );
        const seen = JSON.stringify((JSON.parse(text) as { id: unknown }).id);
        deepEqual(splitServerId(seen), { server: "srv", idText: JSON.stringify(id) });
      }),
    );
    equal(splitServerId("7"), undefined);
  });
  it("templates match what they stand for", () => {
    equal(templatePattern("demo://text/{id}").test("demo://text/7"), true);
    equal(templatePattern("demo://text/{id}").test("demo://other/7"), false);
    equal(templatePattern("a.b/{x}").test("aXb/7"), false);
  });
});
