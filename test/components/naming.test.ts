import assert from "node:assert/strict";
import { labelsOf, uidOf } from "../../components/naming.ts";

const owner = { estate: "mcp-estate", stack: "dev" };

describe("uidOf (design decision 3)", () => {
  it("is the same for ever: files on volumes belong to it", () => {
    assert.equal(uidOf(owner, "memory"), 113519369);
  });

  it("differs by estate, stack and component", () => {
    const uids = [
      uidOf(owner, "memory"),
      uidOf(owner, "fetch"),
      uidOf({ ...owner, stack: "prod" }, "memory"),
      uidOf({ ...owner, estate: "other" }, "memory"),
    ];
    assert.equal(new Set(uids).size, uids.length);
  });

  it("is never a system or a person's uid, and fits the kernel's 31 bits", () => {
    for (let i = 0; i < 1000; i++) {
      const uid = uidOf(owner, `s${i}`);
      assert.ok(uid >= 100_000 && uid < 2 ** 31, String(uid));
    }
  });
});

describe("labelsOf (R-DRF-02)", () => {
  it("names estate, stack and component", () => {
    assert.deepEqual(labelsOf(owner, "memory"), [
      { label: "mcp-estate.estate", value: "mcp-estate" },
      { label: "mcp-estate.stack", value: "dev" },
      { label: "mcp-estate.component", value: "memory" },
    ]);
  });
});
