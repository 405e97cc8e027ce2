import { deepEqual, equal } from "node:assert/strict";
import { parseEnvelope } from "../../../runtime/wire/envelope.ts";
import { withTrace } from "../../../runtime/wire/traceMeta.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const traced = (text: string, tracestate?: string): unknown =>
  JSON.parse(withTrace(parseEnvelope(text), { traceparent, tracestate }).text);

describe("trace context in _meta", () => {
  const cases: [string, object][] = [
    ['{"jsonrpc":"2.0","id":1,"method":"m"}', { _meta: { traceparent } }],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":{ }}', { _meta: { traceparent } }],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}}', { _meta: { traceparent }, a: 1 }],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{}}}', { _meta: { traceparent } }],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":5}}}',
      { _meta: { traceparent, progressToken: 5 } },
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"traceparent":"own"}}}',
      { _meta: { traceparent: "own" } },
    ],
  ];
  for (const [text, params] of cases) {
    it(`goes into ${text.slice(34)}`, () => deepEqual(traced(text), { jsonrpc: "2.0", id: 1, method: "m", params }));
  }

  it("carries tracestate with it", () => {
    deepEqual(traced('{"jsonrpc":"2.0","id":1,"method":"m"}', "a=b"), {
      jsonrpc: "2.0",
      id: 1,
      method: "m",
      params: { _meta: { traceparent, tracestate: "a=b" } },
    });
  });

  it("what is no trace context is not handed on", () => {
    const envelope = parseEnvelope('{"jsonrpc":"2.0","id":1,"method":"m"}');
    for (const wrong of [undefined, "", "x", `${traceparent}"`])
      equal(withTrace(envelope, { traceparent: wrong, tracestate: undefined }), envelope);
  });
});
