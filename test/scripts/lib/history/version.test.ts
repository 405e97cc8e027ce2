import assert from "node:assert/strict";
import { historyTable } from "../../../../scripts/lib/history/table.ts";
import { differences, gateInWords, programInWords, type Version } from "../../../../scripts/lib/history/version.ts";

function version(
  number: number,
  fields: Partial<Version> & { hash?: string; images?: Record<string, string> },
): Version {
  const { hash = "aaaaaaaaaaaa", images = { memory: "m:1" }, ...rest } = fields;
  return {
    number,
    time: new Date(Date.UTC(2026, 10, 21, 10, number)),
    kind: "update",
    result: "succeeded",
    message: "",
    config: {},
    release: {
      program: { hash, commit: "", dirty: true },
      images: Object.fromEntries(Object.entries(images).map(([name, tag]) => [name, { tag, id: tag }])),
      smoke: { checks: [{ passed: true }, { passed: true }], tools: {} },
    },
    ...rest,
  };
}

describe("versions", () => {
  it("differ in settings by path, in program and images, and never show a value", () => {
    const a = version(1, {
      config: { "e:servers": { memory: { limits: { pids: 32 } }, gone: {} }, "e:token": { secure: "v1:a" } },
    });
    const b = version(2, {
      config: { "e:servers": { memory: { limits: { pids: 64 } } }, "e:token": { secure: "v1:b" }, "e:new": 1 },
      hash: "b",
      images: { memory: "m:2", fetch: "f:1" },
    });
    assert.deepEqual(differences(a, b), [
      "new",
      "servers.gone",
      "servers.memory.limits.pids",
      "token",
      "program",
      "image fetch",
      "image memory",
    ]);
    assert.deepEqual(differences(a, a), []);
    assert.deepEqual(differences(undefined, a), []);
  });

  it("name their program by commit where there is one", () => {
    const program = (commit: string, dirty: boolean) => {
      const { release } = version(1, {});
      assert.ok(release);
      return programInWords({ ...release, program: { hash: "0123456789", commit, dirty } });
    };
    assert.equal(program("c0ffee0123", false), "c0ffee0");
    assert.equal(program("c0ffee0123", true), "c0ffee0 and changes");
    assert.equal(program("", true), "files 0123456");
  });

  it("stand in a table, newest first, compared with the last that was deployed", () => {
    const { release: _release, ...failed } = version(2, { result: "failed", config: { "e:a": 1 } });
    const text = historyTable([version(1, {}), failed, version(3, { hash: "c", message: "third" })], 2);
    const [, , newest = "", middle = "", more = ""] = text.split("\n");
    assert.match(newest, /^3 +2026-11-21 10:03:00 +update +succeeded +2 of 2 +files c +program +third$/);
    assert.match(middle, /^2 .* failed +a$/);
    assert.equal(more, "1 older ones: --all");
    assert.equal(gateInWords(failed), "");
  });
});
