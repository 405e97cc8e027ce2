import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import { ContentsMeter, contentsOf, sameContents } from "../../../../scripts/lib/backup/contents.ts";

interface Item {
  name: string;
  text?: string;
  mode?: number;
  pax?: Record<string, string>;
  link?: string;
  mtime?: Date;
}

function pack(items: readonly Item[]): Promise<Buffer> {
  const archive = tar.pack();
  for (const { name, text, mode = 0o640, pax, link, mtime = new Date(0) } of items) {
    const header = { name, mode, mtime, ...(pax ? { pax } : {}) };
    if (link !== undefined) archive.entry({ ...header, type: "link", linkname: link });
    else if (text === undefined) archive.entry({ ...header, type: "directory" });
    else archive.entry(header, text);
  }
  archive.finalize();
  return buffer(Readable.from(archive));
}

const plain: Item[] = [{ name: "data/" }, { name: "data/a", text: "one" }, { name: "data/b", text: "two" }];
const read = async (items: readonly Item[]) => contentsOf(Readable.from([await pack(items)]));

describe("contents of an archive (R-VOL-09)", () => {
  it("counts files and bytes; the archive's root may have any name, entries any order, folders any time", async () => {
    const contents = await read(plain);
    assert.deepEqual([contents.files, contents.bytes], [2, 6]);
    const other = await read([
      { name: "volume/", mtime: new Date(5_000_000) },
      { name: "volume/b", text: "two" },
      { name: "volume/a", text: "one" },
    ]);
    assert.ok(sameContents(contents, other));
    assert.notEqual(contents.tarSha256, other.tarSha256);
  });

  const changes: Record<string, Item[]> = {
    "a byte": [plain[0] ?? { name: "" }, { name: "data/a", text: "onE" }, { name: "data/b", text: "two" }],
    "a mode": [...plain.slice(0, 2), { name: "data/b", text: "two", mode: 0o600 }],
    "the root's owner": [{ name: "data/", pax: { uid: "1500000000" } }, ...plain.slice(1)],
    "an owner beyond the plain field": [
      ...plain.slice(0, 2),
      { name: "data/b", text: "two", pax: { gid: "1500000000" } },
    ],
    "a name": [...plain.slice(0, 2), { name: "data/c", text: "two" }],
    "a missing file": plain.slice(0, 2),
    "an empty folder more": [...plain, { name: "data/d/" }],
    "a link in place of a file": [...plain.slice(0, 2), { name: "data/b", link: "data/a" }],
  };
  for (const [what, items] of Object.entries(changes)) {
    it(`tells ${what} apart`, async () => {
      assert.ok(!sameContents(await read(plain), await read(items)));
    });
  }

  it("hands the archive on byte for byte", async () => {
    const archive = await pack([...plain, { name: "data/large", text: "x".repeat(3_000_000) }]);
    const meter = new ContentsMeter();
    const [out] = await Promise.all([
      buffer(meter),
      pipeline(Readable.from([archive.subarray(0, 70_000), archive.subarray(70_000)]), meter),
    ]);
    assert.ok(out.equals(archive));
    assert.equal(meter.contents.files, 3);
  });

  it("refuses an archive that breaks off, and knows nothing before the end", async () => {
    const archive = await pack([{ name: "data/" }, { name: "data/a", text: "x".repeat(5_000) }]);
    await assert.rejects(contentsOf(Readable.from([archive.subarray(0, 3_000)])), /Unexpected end of data/);
    assert.throws(() => new ContentsMeter().contents, /not been read to its end/);
  });
});
