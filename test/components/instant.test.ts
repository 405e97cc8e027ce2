import assert from "node:assert/strict";
import { instantOf } from "../../components/instant.ts";

describe("instantOf", () => {
  for (const [text, instant] of [
    ["2026-12-31", "2026-12-31T00:00:00.000Z"],
    ["2026-12-31T18:00:00Z", "2026-12-31T18:00:00.000Z"],
    ["2026-12-31T18:00:00+02:00", "2026-12-31T16:00:00.000Z"],
    // as the engine gives them where YAML had no quotes
    ["2026-12-31 00:00:00 +0000 UTC", "2026-12-31T00:00:00.000Z"],
    ["2026-12-31 18:00:00.5 +0200 +0200", "2026-12-31T16:00:00.500Z"],
    ["2026-12-31T18:00:00", undefined],
    ["2026-02-30", undefined],
    ["2026-02-30 00:00:00 +0000 UTC", undefined],
    ["tomorrow", undefined],
    ["", undefined],
  ] as const) {
    it(`${text || "nothing"} is ${instant ?? "refused"}`, () => assert.equal(instantOf(text), instant));
  }
});
