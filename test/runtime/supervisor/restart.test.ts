import { deepEqual, equal } from "node:assert/strict";
import { RestartPolicy, RESTART_BOUNDS } from "../../../runtime/supervisor/restartPolicy.ts";
import { SpawnLimiter } from "../../../runtime/supervisor/spawnLimiter.ts";

describe("R-PRC-13 restarts are bounded", () => {
  it("5 tries with growing delay, then a crash loop, which ends by itself", () => {
    const policy = new RestartPolicy();
    const decisions = [0, 1, 2, 3, 4].map((second) => policy.failed(second * 1000));
    deepEqual(
      decisions.map(({ delayMs }) => delayMs),
      [250, 500, 1000, 2000, 600_000],
    );
    deepEqual(
      decisions.map(({ crashLoop }) => crashLoop),
      [false, false, false, false, true],
    );
    // the one more try after the cool-down failed as well
    equal(policy.failed(700_000).crashLoop, true);
    policy.succeeded();
    equal(policy.failed(1_400_000).crashLoop, false);
  });

  it("failures that lie far apart are no loop", () => {
    const policy = new RestartPolicy();
    for (let hour = 0; hour < 50; hour += 1)
      deepEqual(policy.failed(hour * 3_600_000), { delayMs: 250, crashLoop: false, failures: 1 });
  });

  it("the delay has an end", () => {
    const policy = new RestartPolicy({ ...RESTART_BOUNDS, failures: 100 });
    for (let index = 0; index < 20; index += 1) policy.failed(index);
    equal(policy.failed(21).delayMs, 30_000);
  });
});

describe("R-PRC-04 the spawn rate is limited", () => {
  it("5 in 10 s and 15 in a minute", () => {
    const limiter = new SpawnLimiter();
    const starts: number[] = [];
    for (let now = 0; now < 120_000; now += 100) {
      if (limiter.waitMs(now) > 0) continue;
      limiter.record(now);
      starts.push(now);
    }
    const most = (ms: number): number =>
      Math.max(...starts.map((start) => starts.filter((other) => other >= start && other < start + ms).length));
    equal(most(10_000), 5);
    equal(most(60_000), 15);
  });
});
