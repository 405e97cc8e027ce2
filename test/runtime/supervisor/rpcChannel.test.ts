import { deepEqual, equal, rejects } from "node:assert/strict";
import fc from "fast-check";
import { RpcChannel } from "../../../runtime/supervisor/rpcChannel.ts";
import { parseEnvelope } from "../../../runtime/wire/envelope.ts";

interface Sent {
  readonly id: number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

function open(bounds = { maxConcurrent: 100, maxQueued: 100 }) {
  const sent: Sent[] = [];
  const stray: string[] = [];
  const unsolicited: string[] = [];
  const channel = new RpcChannel(
    {
      send: (text) => void sent.push(JSON.parse(text) as Sent),
      unsolicited: (envelope) => unsolicited.push(envelope.method),
      stray: (_text, reason) => stray.push(reason),
    },
    bounds,
  );
  return { channel, sent, stray, unsolicited };
}

const request = (id: unknown, params: object = {}) =>
  parseEnvelope(JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }));
const ignore = (): void => undefined;

describe("R-TRN-03 id rewriting", () => {
  it("many callers with equal ids each get their own answer under their own id, in any order", async () => {
    const ids = fc.array(fc.oneof(fc.maxSafeInteger(), fc.string()), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(ids, fc.boolean(), async (callers, reversed) => {
        const { channel, sent } = open();
        const answers = callers.map((id, index) => channel.forward(request(id, { index }), 1000, ignore).answer);
        equal(new Set(sent.map(({ id }) => id)).size, callers.length);
        for (const { id, params } of reversed ? [...sent].reverse() : sent) {
          channel.receive(JSON.stringify({ jsonrpc: "2.0", id, result: { index: params["index"] } }));
        }
        const got = (await Promise.all(answers)).map(
          (text) => JSON.parse(text) as { id: unknown; result: { index: number } },
        );
        deepEqual(
          got.map(({ id }) => id),
          JSON.parse(JSON.stringify(callers)),
        );
        deepEqual(
          got.map(({ result }) => result.index),
          callers.map((_, index) => index),
        );
      }),
    );
  });

  it("R-TRN-10 progress goes to its own call under its own token", async () => {
    const { channel, sent, unsolicited } = open();
    const seen: string[][] = [[], []];
    const calls = [0, 1].map((index) =>
      channel.forward(request(1, { _meta: { progressToken: "same" } }), 1000, (text) => seen[index]?.push(text)),
    );
    const second = sent[1]?.params["_meta"] as { progressToken: number };
    channel.receive(
      JSON.stringify({
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progressToken: second.progressToken, progress: 1 },
      }),
    );
    deepEqual(seen, [
      [],
      ['{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"same","progress":1}}'],
    ]);
    deepEqual(unsolicited, []);
    channel.close("end");
    await Promise.allSettled(calls.map(({ answer }) => answer));
  });

  it("R-TRN-05 a call without an answer ends at its deadline, and the server is told", async () => {
    const { channel, sent } = open();
    await rejects(channel.forward(request("a"), 20, ignore).answer, {
      status: 504,
      message: "tools/call was not answered within 0.02 s",
    });
    deepEqual(sent[1]?.method, "notifications/cancelled");
    equal(sent[1]?.params["requestId"], sent[0]?.id);
    equal(channel.inFlight, 0);
  });

  it("a late answer is dropped, one with a foreign id is stray", async () => {
    const { channel, sent, stray } = open();
    const call = channel.forward(request(1), 1000, ignore);
    call.cancel("enough");
    await rejects(call.answer, { status: 499, message: "enough" });
    channel.receive(JSON.stringify({ jsonrpc: "2.0", id: sent[0]?.id, result: {} }));
    deepEqual(stray, []);
    for (const id of [99, "1", -1])
      channel.receive(JSON.stringify({ jsonrpc: "2.0", id: id === "1" ? "x" : id, result: {} }));
    equal(stray.length, 3);
  });

  it("R-TRN-04 junk is stray and harms nobody", async () => {
    const { channel, sent, stray } = open();
    const call = channel.forward(request(1), 1000, ignore);
    for (const line of ["Server running", "{", "[]", "", "null", "{}"]) channel.receive(line);
    channel.receive(JSON.stringify({ jsonrpc: "2.0", id: sent[0]?.id, result: { ok: true } }));
    equal(await call.answer, '{"jsonrpc":"2.0","id":1,"result":{"ok":true}}');
    equal(stray.length, 5);
  });

  it("R-TRN-09 the queue is bounded and goes on in order", async () => {
    const { channel, sent } = open({ maxConcurrent: 1, maxQueued: 1 });
    const first = channel.forward(request("a", { n: 1 }), 1000, ignore);
    const second = channel.forward(request("b", { n: 2 }), 1000, ignore);
    await rejects(channel.forward(request("c"), 1000, ignore).answer, { status: 503 });
    deepEqual([channel.inFlight, channel.queued, sent.length], [1, 1, 1]);
    channel.receive(JSON.stringify({ jsonrpc: "2.0", id: sent[0]?.id, result: 1 }));
    channel.receive(JSON.stringify({ jsonrpc: "2.0", id: sent[1]?.id, result: 2 }));
    deepEqual(
      [await first.answer, await second.answer],
      ['{"jsonrpc":"2.0","id":"a","result":1}', '{"jsonrpc":"2.0","id":"b","result":2}'],
    );
    deepEqual([channel.inFlight, channel.queued], [0, 0]);
  });

  it("R-TRN-07 all calls fail at once when the child is gone, waiting ones too", async () => {
    const { channel } = open({ maxConcurrent: 1, maxQueued: 5 });
    const calls = [1, 2, 3].map((id) => channel.forward(request(id), 60_000, ignore).answer);
    channel.close("the server process ended: exit 1");
    const results = await Promise.allSettled(calls);
    // one call was with the server, so that nobody knows what became of it; the others never were
    deepEqual(
      results.map((result) => result.status === "rejected" && (result.reason as { kind: string }).kind),
      ["lost", "unavailable", "unavailable"],
    );
    await rejects(channel.forward(request(4), 1000, ignore).answer, { status: 503 });
    deepEqual([channel.inFlight, channel.queued], [0, 0]);
  });

  it("an answer that is too large fails its call where the id can be seen", async () => {
    const { channel } = open();
    const atEnd = channel.forward(request("a"), 1000, ignore).answer;
    const atStart = channel.forward(request("b"), 1000, ignore).answer;
    channel.oversize('{"result":{"x":"', '"},"jsonrpc":"2.0","id":1}', 999);
    channel.oversize('{"jsonrpc":"2.0","id":2,"result":{', "}}}", 999);
    await rejects(atEnd, { status: 502, message: "the server's answer is too large (999 bytes)" });
    await rejects(atStart, { status: 502 });
  });
});
