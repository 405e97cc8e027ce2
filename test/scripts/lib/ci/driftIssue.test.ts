import assert from "node:assert/strict";
import { driftIssue, driftMarker } from "../../../../scripts/lib/ci/driftIssue.ts";

const difference = { resource: "container fetch", property: "memory", declared: "256", found: "300" };

describe("the issue on drift (R-DRF-01, R-TST-05)", () => {
  it("names stack, resource, property, declared and found, and what to do", () => {
    const { title, body } = driftIssue("dev", [difference]);
    assert.equal(title, "Drift in stack dev: 1 difference");
    assert.ok(body.startsWith(driftMarker("dev")));
    assert.match(body, /\| `container fetch` \| `memory` \| `256` \| `300` \|/);
    assert.match(body, /npm run up -- --stack dev/);
  });

  it("is one for each stack", () => {
    assert.notEqual(driftMarker("dev"), driftMarker("prod"));
  });

  it("fits into GitHub's limit with thousands of differences", () => {
    const long = "`".repeat(500);
    const { title, body } = driftIssue(
      "dev",
      Array.from({ length: 5000 }, () => ({ ...difference, found: long, declared: long })),
    );
    assert.ok(body.length < 65_000, String(body.length));
    assert.match(title, /5000 differences/);
    assert.match(body, /… and 4900 more\./);
  });
});
