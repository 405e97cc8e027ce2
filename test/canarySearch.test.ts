import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { formsOf, Search, type Find, type Piece } from "./e2e/canary/search.ts";

const VALUE = 'say "canary" \\ 100% + ü/?';

describe("search for planted values (A-32)", () => {
  const search = new Search([
    { name: "first", value: VALUE },
    { name: "second", value: "another-canary" },
  ]);
  const find = (content: Piece["content"]): Promise<Find[]> => search.findIn({ of: "a text", content });
  const names = async (content: Piece["content"]): Promise<string[]> =>
    [...new Set((await find(content)).map(({ planted }) => planted.name))].sort();

  const written: Record<string, string> = {
    "in clear": `x${VALUE}y`,
    JSON: JSON.stringify({ message: `x${VALUE}` }),
    "JSON in JSON": JSON.stringify(JSON.stringify({ [VALUE]: 1 })),
    URL: `/path?value=${encodeURIComponent(VALUE)}`,
    hexadecimal: Buffer.from(`x${VALUE}`).toString("hex"),
    base64: Buffer.from(VALUE).toString("base64"),
    "base64 after one byte": Buffer.from(`x${VALUE} and more`).toString("base64"),
    "base64 after two bytes": Buffer.from(`xy${VALUE}`).toString("base64"),
    base64url: Buffer.from(`four${VALUE}`).toString("base64url"),
  };
  for (const [form, text] of Object.entries(written)) {
    it(`finds a value written as ${form}`, async () => assert.deepEqual(await names(Buffer.from(text)), ["first"]));
  }

  it("finds both, through gzip, and says how they are written", async () => {
    const finds = await find(gzipSync(`${VALUE} ${Buffer.from("another-canary").toString("hex")}`));
    assert.deepEqual(
      finds.map(({ planted, form }) => [planted.name, form]),
      [
        ["first", "in clear"],
        ["second", "hexadecimal"],
      ],
    );
  });

  it("finds a value across chunks of any size", async () => {
    const bytes = Buffer.from(`before ${VALUE} after`);
    for (const size of [1, 2, 7, 20]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      async function* stream(): AsyncGenerator<Uint8Array> {
        for (const chunk of chunks) yield await Promise.resolve(chunk);
      }
      assert.deepEqual(await names(stream()), ["first"], `chunks of ${size}`);
    }
  });

  it("finds nothing in what is almost a value, and in nothing", async () => {
    assert.deepEqual(await names(Buffer.from(`${VALUE.slice(1)} another-canar`)), []);
    assert.deepEqual(await names(Buffer.alloc(0)), []);
  });

  it("has a form once where two are the same, and refuses what chance would find", () => {
    assert.deepEqual(
      [...formsOf("nothing0special").keys()],
      ["in clear", "hexadecimal", "base64 after 0 bytes", "base64 after 1 bytes", "base64 after 2 bytes"],
    );
    assert.throws(() => new Search([{ name: "it", value: "short" }]), /it is shorter than 10 characters/);
  });
});
