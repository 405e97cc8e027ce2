import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import {
  EnvelopeError,
  errorText,
  idKey,
  parseEnvelope,
  progressTokenSpan,
  resultText,
} from "../../../runtime/wire/envelope.ts";

const code = (text: string): number | undefined => {
  try {
    parseEnvelope(text);
    return undefined;
  } catch (error) {
    if (error instanceof EnvelopeError) return error.code;
    throw error;
  }
};

describe("JSON-RPC envelope", () => {
  it("tells requests, notifications and responses apart", () => {
    equal(parseEnvelope('{"jsonrpc":"2.0","id":0,"method":"ping"}').kind, "request");
    equal(parseEnvelope('{"jsonrpc":"2.0","method":"ping"}').kind, "notification");
    equal(parseEnvelope('{"jsonrpc":"2.0","id":"a","result":{}}').kind, "response");
    const failed = parseEnvelope('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}');
    deepEqual(failed.error, { code: -1, message: "no", data: undefined });
  });

  it("keeps the id as it was written", () => {
    equal(parseEnvelope('{"jsonrpc":"2.0","id": "x\\u0041" ,"method":"m"}').idText, '"x\\u0041"');
    equal(idKey('"x\\u0041"'), '"xA"');
    equal(idKey("12"), "12");
  });

  for (const [name, text, want] of [
    ["no JSON", "{", -32700],
    ["a batch", "[]", -32600],
    ["a string", '"x"', -32600],
    ["another version", '{"jsonrpc":"1.0","id":1,"method":"m"}', -32600],
    ["an id of null", '{"jsonrpc":"2.0","id":null,"method":"m"}', -32600],
    ["a fractional id", '{"jsonrpc":"2.0","id":1.5,"method":"m"}', -32600],
    ["a method that is no string", '{"jsonrpc":"2.0","id":1,"method":1}', -32600],
    ["params in a list", '{"jsonrpc":"2.0","id":1,"method":"m","params":[]}', -32600],
    ["two ids", '{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}', -32600],
    ["neither method nor result", '{"jsonrpc":"2.0","id":1}', -32600],
    ["result and error", '{"jsonrpc":"2.0","id":1,"result":1,"error":{}}', -32600],
    ["a response without an id", '{"jsonrpc":"2.0","result":1}', -32600],
  ] as const) {
    it(`refuses ${name}`, () => equal(code(text), want));
  }

  it("brings every message onto one line without changing it", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (params) => {
        const message = { jsonrpc: "2.0", id: 1, method: "m", params };
        const { text } = parseEnvelope(JSON.stringify(message, null, 2));
        equal(/[\r\n]/.test(text), false);
        deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(message)));
      }),
    );
  });

  it("throws nothing but EnvelopeError, whatever comes (fuzz)", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary" })), (text) => void code(text)),
      { numRuns: 2000 },
    );
  });

  it("finds a progress token, also one of 0", () => {
    const envelope = parseEnvelope('{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":0}}}');
    const span = progressTokenSpan(envelope);
    equal(span && envelope.text.slice(span.start, span.end), "0");
    equal(progressTokenSpan(parseEnvelope('{"jsonrpc":"2.0","id":1,"method":"m"}')), undefined);
  });

  it("writes answers", () => {
    equal(resultText('"a"', { x: 1 }), '{"jsonrpc":"2.0","id":"a","result":{"x":1}}');
    equal(
      errorText(undefined, { code: 1, message: "m" }),
      '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}',
    );
  });
});
