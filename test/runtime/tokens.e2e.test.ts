import { deepEqual, equal, ok } from "node:assert/strict";
import { runTokens, type TokensFigures } from "../../scripts/bench/tokensRun.ts";

const REQUESTS = 10_000;
/** What was there after the warm-up, and a tenth. */
const MARGIN = 1.1;
/** R-GW-04, in ms. */
const TARGET_P95 = 200;

describe("R-GW-14 10,000 requests with wrong, expired, truncated, scope-less and replayed tokens", function () {
  this.timeout(60_000);
  let figures: TokensFigures;

  before(async () => {
    figures = await runTokens(REQUESTS, 1000);
    const { p95Before, p95During } = figures;
    console.log(
      `      p95 of another caller: ${p95Before.toFixed(1)} ms alone, ${p95During.toFixed(1)} ms meanwhile (${(p95During / p95Before).toFixed(1)} times)`,
    );
  });

  it("none gets in", () => {
    equal(figures.gotIn, 0);
    const sum = (statuses: Readonly<Record<number, number>>): number =>
      Object.values(statuses).reduce((total, count) => total + count, 0);
    const allowed: Record<string, string[]> = {
      wrong: ["401", "429"],
      expired: ["401", "429"],
      truncated: ["401", "429"],
      "scope-less": ["404"],
      "replayed session of another caller": ["404"],
    };
    for (const { kind, statuses } of figures.kinds) {
      equal(sum(statuses), REQUESTS / figures.kinds.length, kind);
      deepEqual(
        Object.keys(statuses).filter((status) => !allowed[kind]?.includes(status)),
        [],
        kind,
      );
    }
    deepEqual(
      figures.kinds.map(({ kind }) => kind),
      Object.keys(allowed),
    );
  });

  it("R-GW-04 other callers' p95 stays in its target, and none of their calls fails", () => {
    equal(figures.failed, 0);
    ok(figures.p95During < TARGET_P95, `${figures.p95During} ms`);
  });

  it("the gateway's memory stays within 10 %", () =>
    ok(figures.rssMiBAfter <= figures.rssMiBBefore * MARGIN, `${figures.rssMiBBefore} → ${figures.rssMiBAfter} MiB`));
});
