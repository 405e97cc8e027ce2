import { deepEqual } from "node:assert/strict";
import {
  parseSummary,
  runConformance,
  type ConformanceResults,
  type ScenarioResult,
} from "../../scripts/bench/conformanceRun.ts";

const REVISION = "2025-11-25";
/** What the suite requires of a server of that revision. */
const REQUIRED = 30;

/** Scenarios that count, and which of them failed. */
const score = (results: readonly ScenarioResult[]) => {
  const scored = results.filter((result) => result.scored);
  const failed = scored.filter((result) => result.failed > 0).map(({ scenario }) => scenario);
  return { scored: scored.length, failed };
};
const ALL_PASSED = { scored: REQUIRED, failed: [] };

describe("the protocol's conformance suite at 2025-11-25", () => {
  let results: ConformanceResults;

  before(async function () {
    this.timeout(120_000);
    results = await runConformance(REVISION);
  });

  it("the fixture itself passes, so that a failure elsewhere is ours", () => {
    deepEqual(score(results.direct), ALL_PASSED);
  });

  it("R-TRN-10 through the stdio bridge every required scenario passes", () => {
    deepEqual(score(results.supervisor), ALL_PASSED);
  });

  it("R-GW-16 through the gateway every required scenario passes, names unprefixed", () => {
    deepEqual(score(results.gateway), ALL_PASSED);
  });

  it("reads the suite's summary, and what it does not score", () => {
    const output = [
      "✓ ping: 2 passed, 0 failed",
      "✗ later: 0 passed, 3 failed",
      "",
      "Not scored for X: 1 scenario(s) run",
      "  ✗ later (pending)",
    ].join("\n");
    deepEqual(parseSummary(output), [
      { scenario: "ping", passed: 2, failed: 0, scored: true },
      { scenario: "later", passed: 0, failed: 3, scored: false },
    ]);
  });
});
