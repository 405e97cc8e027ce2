import assert from "node:assert/strict";
import { Exemptions, type Exemption } from "../../policy/exemptions.ts";

const good: Exemption = {
  policy: "limits",
  resource: "gateway",
  reason: "until the new host is here",
  until: "2026-12-31",
};
const made = (given: readonly Partial<Exemption>[], today = "2026-11-21") =>
  new Exemptions(given, ["limits", "labels"], today);

describe("exemptions (R-SEC-10)", () => {
  it("hold for their policy and resource alone, through their last day", () => {
    const exemptions = made([good], "2026-12-31");
    assert.deepEqual(exemptions.faults, []);
    assert.ok(exemptions.covers("limits", { name: "gateway" }));
    assert.ok(!exemptions.covers("labels", { name: "gateway" }));
    assert.ok(!exemptions.covers("limits", { name: "gateway-edge" }));
  });

  it("end, and then exempt nothing", () => {
    const exemptions = made([good], "2027-01-01");
    assert.ok(!exemptions.covers("limits", { name: "gateway" }));
    assert.deepEqual(
      exemptions.faults.map(({ why }) => why),
      ["it ended on 2026-12-31"],
    );
    assert.deepEqual(exemptions.unused(), []);
  });

  it("are refused without a policy that there is, a resource, a reason, a day", () => {
    for (const [part, value, why] of [
      ["policy", "limit", 'there is no policy "limit"'],
      ["policy", undefined, 'there is no policy ""'],
      ["resource", "", "it names no resource"],
      ["reason", " ", "it gives no reason"],
      ["reason", undefined, "it gives no reason"],
      ["until", "soon", 'until "soon" is no day'],
      ["until", "2026-02-30", 'until "2026-02-30" is no day'],
      ["until", "2026-12-31T00:00:00Z", 'until "2026-12-31T00:00:00Z" is no day'],
      ["until", undefined, 'until "" is no day'],
    ] as const) {
      const exemptions = made([{ ...good, [part]: value }]);
      assert.deepEqual(
        exemptions.faults.map((fault) => fault.why),
        [why],
      );
      assert.ok(!exemptions.covers("limits", { name: "gateway" }));
    }
  });

  it("are told of when nothing needed them", () => {
    const exemptions = made([good, { ...good, resource: "memory" }]);
    exemptions.covers("limits", { name: "memory" });
    assert.deepEqual(exemptions.unused(), [good]);
  });
});
