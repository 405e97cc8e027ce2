import { equal } from "node:assert/strict";
import { HealthState } from "../../../runtime/supervisor/healthState.ts";

const HEALTH = { intervalSeconds: 30, timeoutSeconds: 10, failures: 3 };
const good = { ok: true, slow: false, durationMs: 5, tools: ["echo"] };
const bad = { ok: false, slow: false, durationMs: 5, reason: "no" };

describe("R-HLT-08 health states", () => {
  it("starting until the first proof", () => {
    const health = new HealthState(HEALTH);
    equal(health.level(0), "starting");
    health.record(good, 0);
    equal(health.level(0), "healthy");
  });

  it("one failure degrades, three in a row make unhealthy, one proof mends", () => {
    const health = new HealthState(HEALTH);
    health.record(good, 0);
    for (const want of ["degraded", "degraded", "unhealthy"]) {
      health.record(bad, 1);
      equal(health.level(1), want);
    }
    health.record(good, 2);
    equal(health.level(2), "healthy");
  });

  it("R-HLT-04 a proof older than 120 s proves nothing", () => {
    const health = new HealthState(HEALTH);
    health.record(good, 0);
    equal(health.level(120_000), "healthy");
    equal(health.level(120_001), "unhealthy");
  });

  it("slow is degraded, not down", () => {
    const health = new HealthState(HEALTH);
    health.record({ ...good, durationMs: 6000 }, 0);
    equal(health.level(0), "degraded");
    for (let index = 0; index < 10; index += 1) health.record({ ...bad, slow: true }, 1);
    equal(health.level(1), "degraded");
  });
});
