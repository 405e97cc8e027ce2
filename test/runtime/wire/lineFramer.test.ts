import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { LineFramer } from "../../../runtime/wire/lineFramer.ts";

function frame(chunks: readonly Buffer[], maxBytes: number) {
  const lines: string[] = [];
  const dropped: number[] = [];
  const framer = new LineFramer(maxBytes, {
    line: (text) => lines.push(text),
    oversize: (_head, _tail, bytes) => dropped.push(bytes),
  });
  for (const chunk of chunks) framer.push(chunk);
  framer.end();
  return { lines, dropped };
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });

describe("R-TRN-04 line framing", () => {
  it("gives the same lines however the bytes are cut, also inside a character", () => {
    const line = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\n"));
    fc.assert(
      fc.property(fc.array(line), sizes, (wanted, cuts) => {
        const bytes = Buffer.from(wanted.map((text) => `${text}\n`).join(""));
        deepEqual(frame(cut(bytes, cuts), 1 << 20).lines, wanted);
      }),
    );
  });

  it("R-TRN-09 drops only the lines that are too long", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 })), sizes, (lengths, cuts) => {
        const bytes = Buffer.from(lengths.map((length) => `${"x".repeat(length)}\n`).join(""));
        const { lines, dropped } = frame(cut(bytes, cuts), 20);
        deepEqual(
          lines.map((text) => text.length),
          lengths.filter((length) => length <= 20),
        );
        deepEqual(
          dropped,
          lengths.filter((length) => length > 20),
        );
      }),
    );
  });

  it("keeps the beginning and the end of what it drops", () => {
    const seen: string[] = [];
    const framer = new LineFramer(100, {
      line: () => undefined,
      oversize: (head, tail) => seen.push(head.slice(0, 8), tail.slice(-8)),
    });
    for (const piece of ['{"id":5,', "x".repeat(5000), ',"id":5}\n']) framer.push(Buffer.from(piece));
    deepEqual(seen, ['{"id":5,', ',"id":5}']);
  });

  it("hands on a last line without a newline", () => equal(frame([Buffer.from("a\nb")], 10).lines.join(), "a,b"));
});
