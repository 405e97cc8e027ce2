import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readFileHistory } from "../../../../scripts/lib/history/fileHistory.ts";
import { cleanUp, temporaryFolder, write } from "../../support.ts";

const release = {
  program: { hash: "aaaa", commit: "c0ffee", dirty: false },
  images: { memory: { tag: "mcp-estate/memory:1", id: "sha256:1" } },
  smoke: { checks: [{ passed: true }], tools: { memory: ["read"] } },
};

describe("history in a folder", () => {
  afterEach(cleanUp);

  function entry(nanoseconds: string, fields: object): string {
    write(folder, `history/estate/dev/dev-${nanoseconds}.history.json`, JSON.stringify(fields));
    return join(folder, `history/estate/dev/dev-${nanoseconds}.checkpoint.json`);
  }
  function checkpoint(outputs: object, urn = "urn:pulumi:dev::estate::pulumi:pulumi:Stack::estate-dev"): string {
    const resources = [{ urn, type: "pulumi:pulumi:Stack", outputs }];
    return JSON.stringify({ checkpoint: { latest: { resources } } });
  }
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  const read = () => readFileHistory({ state: folder, project: "estate", stack: "dev" });

  it("is empty where nothing was deployed", () => {
    assert.deepEqual(read(), []);
  });

  it("numbers versions by their time, oldest first, with settings and record", () => {
    const update = { kind: "update", startTime: 1_795_270_000, result: "succeeded", config: { "estate:a": 1 } };
    // Longer than a double can tell apart.
    const late = entry("1795270391084189602", { ...update, message: "second" });
    const early = entry("1795270391084189601", { ...update, message: "first" });
    writeFileSync(early, checkpoint({ release }));
    writeFileSync(late, checkpoint({}));
    const [first, second] = read();
    assert.deepEqual(first, {
      number: 1,
      time: new Date("2026-11-21T14:06:40Z"),
      kind: "update",
      result: "succeeded",
      message: "first",
      config: { "estate:a": 1 },
      release,
    });
    assert.equal(second?.message, "second");
    assert.equal(second.release, undefined);
  });

  it("reads what the engine has compressed", () => {
    const file = entry("1", { kind: "update", startTime: 1, result: "succeeded" });
    writeFileSync(`${file}.gz`, gzipSync(checkpoint({ release })));
    assert.deepEqual(read()[0]?.release, release);
  });

  it("gives a failed update and a refresh no record: the outputs are those of the update before", () => {
    writeFileSync(entry("1", { kind: "update", startTime: 1, result: "failed" }), checkpoint({ release }));
    writeFileSync(entry("2", { kind: "refresh", startTime: 1, result: "succeeded" }), checkpoint({ release }));
    assert.deepEqual(
      read().map((version) => version.release),
      [undefined, undefined],
    );
  });

  it("keeps the number of what is missing, cut off or of another project, and says so", () => {
    const update = { kind: "update", startTime: 1, result: "succeeded" };
    rmSync(entry("1", update), { force: true });
    writeFileSync(entry("2", update), "{");
    writeFileSync(entry("3", update), checkpoint({ release }, "urn:pulumi:dev::other::pulumi:pulumi:Stack::other-dev"));
    write(folder, "history/estate/dev/dev-4.history.json", "{");
    const faults = read().map(({ number, fault }) => [number, fault] as const);
    const expected = [
      /its checkpoint .* is missing/,
      /cannot be read/,
      /of another project or stack/,
      /cannot be read/,
    ];
    assert.equal(faults.length, expected.length);
    faults.forEach(([number, fault], i) => {
      assert.equal(number, i + 1);
      assert.match(fault ?? "", expected[i] ?? /^$/);
    });
  });
});
