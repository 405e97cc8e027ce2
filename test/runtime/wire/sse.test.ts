import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { parseEventId, SseParser, SseStream } from "../../../runtime/wire/sse.ts";

describe("server-sent events", () => {
  it("are read alike however the bytes are cut", () => {
    const messages = fc.array(
      fc.string().map((value) => JSON.stringify({ value })),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(messages, fc.constantFrom("\n", "\r\n"), fc.integer({ min: 1, max: 7 }), (wanted, newline, size) => {
        const text = wanted
          .map((data) => `id: 1${newline}: note${newline}event: message${newline}data: ${data}${newline}${newline}`)
          .join("");
        const parser = new SseParser();
        const found: string[] = [];
        for (let at = 0; at < text.length; at += size) found.push(...parser.push(text.slice(at, at + size)));
        deepEqual(found, wanted);
        equal(parser.pendingLength, 0);
      }),
    );
  });

  it("have ids that lead back to their stream", () => {
    deepEqual(parseEventId("1f_12"), { stream: "1f", sequence: 12 });
    equal(parseEventId("../etc"), undefined);
  });

  it("are kept within bounds while nobody reads", () => {
    const stream = new SseStream("1", { maxStoredEvents: 3, maxStoredBytes: 1000, maxSocketBytes: 10 });
    for (let index = 0; index < 10; index += 1) stream.send(`{"n":${index}}`);
    const written: string[] = [];
    const response = {
      writeHead: () => undefined,
      write: (text: string) => written.push(text),
      on: () => undefined,
      end: () => undefined,
      writableLength: 0,
    };
    stream.attach(response as never, {}, 0);
    deepEqual(
      written.flatMap((frame) => /"n":(\d)/.exec(frame)?.[1] ?? []),
      ["7", "8", "9"],
    );
  });
});
