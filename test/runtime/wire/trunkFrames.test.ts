import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  decodeReply,
  decodeRequest,
  encodeCall,
  encodeGone,
  encodeReply,
  TrunkError,
  type TrunkReply,
} from "../../../runtime/wire/trunkFrames.ts";

const NO_HEAD = {
  session: undefined,
  revision: undefined,
  accept: undefined,
  contentType: undefined,
  traceparent: undefined,
  tracestate: undefined,
  principal: undefined,
};

describe("frames of the trunk", () => {
  it("a call comes out as it went in, on one line, whatever the headers hold", () => {
    const value = fc.option(fc.string(), { nil: undefined });
    const head = fc.record({
      session: value,
      revision: value,
      accept: value,
      contentType: value,
      traceparent: value,
      tracestate: value,
      principal: value,
    });
    // fast-check's records may have no prototype
    fc.assert(
      fc.property(fc.nat(), head, fc.json(), (id, given, body) => {
        const frame = encodeCall(id, given, body);
        equal(frame.indexOf("\n"), frame.length - 1);
        deepEqual(decodeRequest(frame.slice(0, -1)), { kind: "call", id, head: { ...given }, body });
      }),
    );
  });

  it("a message with line breaks stays one frame: JSON has none inside its strings", () => {
    const frame = encodeCall(1, NO_HEAD, '{\n"a": 1\r\n}');
    deepEqual(decodeRequest(frame.trimEnd()), { kind: "call", id: 1, head: NO_HEAD, body: '{ "a": 1  }' });
  });

  const replies: TrunkReply[] = [
    { kind: "whole", id: 1, status: 200, headers: { "content-type": "application/json" }, text: '{"a":1}' },
    { kind: "whole", id: 2, status: 202, headers: {}, text: "" },
    { kind: "begin", id: 3, status: 200, headers: { "x-a": "b\tc" } },
    { kind: "piece", id: 3, text: "id: 1_1\ndata: {}\n\n" },
    { kind: "end", id: 3 },
    { kind: "cut", id: 4 },
  ];
  for (const reply of replies) {
    it(`${reply.kind} ${reply.id} comes out as it went in`, () =>
      deepEqual(decodeReply(encodeReply(reply).slice(0, -1)), reply));
  }

  it("what is no frame is refused", () => {
    deepEqual(decodeRequest(encodeGone(7).trimEnd()), { kind: "gone", id: 7 });
    throws(() => decodeRequest("GET / HTTP/1.1"), TrunkError);
    throws(() => decodeRequest("C1\t[]"), TrunkError);
    throws(() => decodeReply("HTTP/1.1 200"), TrunkError);
    throws(() => decodeReply("R1\t200"), TrunkError);
  });
});
